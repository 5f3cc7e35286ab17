// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A load generator that answers each line of its standard input with a line of JSON (bench/bpf/ping.c). */
export class LoadGenerator {
  #child;
  #lines;
  #exit;

  /** @param {string} program @param {readonly string[]} args */
  constructor(program, args = []) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#exit = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  get pid() {
    return this.#child.pid;
  }

  /** @param {string} command @returns {Promise<any>} */
  async run(command) {
    this.#child.stdin.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the load generator ended at: ${command}`);
    return JSON.parse(value);
  }

  async end() {
    this.#child.stdin.end();
    await this.#exit;
  }
}
