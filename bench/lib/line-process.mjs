// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A child process that answers each line of its standard input with one line of JSON. */
export class LineProcess {
  #child;
  #lines;
  #exit;

  /** @param {string} program @param {readonly string[]} args */
  constructor(program, args = []) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#exit = new Promise((resolve) => {
      this.#child.once('exit', resolve);
    });
    // A child that is gone is noticed by the missing answer.
    this.#child.stdin.on('error', () => undefined);
  }

  get pid() {
    return this.#child.pid;
  }

  /** @param {string} command @returns {Promise<any>} */
  async ask(command) {
    this.#child.stdin.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the child process ended at: ${command}`);
    return JSON.parse(value);
  }

  /** Closes its standard input and waits for its end; kills it when it does not end by itself. */
  async end() {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#exit;
    clearTimeout(timer);
  }
}
