// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { timeScale } from './time-scale.js';

/** A program that the suite started: driven by lines on its standard input, heard by lines on its standard output. */
export class StartedProgram {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  readonly #waiting: (() => void)[] = [];
  #errors = '';
  #ended = false;

  /** `detached`: in a process group of its own, for programs that end by a signal to their whole group. */
  constructor(path: string, args: readonly string[], { detached = false } = {}) {
    this.#name = `${path} ${args.join(' ')}`;
    this.child = spawn(path, args, { detached });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    const reader = createInterface(this.child.stdout!);
    const wake = (): void => this.#waiting.splice(0).forEach((resolve) => resolve());
    reader.on('line', (line) => {
      this.#lines.push(line);
      wake();
    });
    reader.on('close', () => {
      this.#ended = true;
      wake();
    });
    this.child.on('error', () => {
      this.#ended = true;
      wake();
    });
    // A program that is gone does not take our commands.
    this.child.stdin!.on('error', () => undefined);
  }

  /**
   * A program that is held back until {@link release}: its pid is known and can be traced before its first call. A shell
   * waits for a line and then becomes it.
   */
  static held(command: readonly string[]): StartedProgram {
    return new StartedProgram('/bin/sh', ['-c', 'read go && exec "$@"', 'sh', ...command]);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** What it wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  release(): void {
    this.child.stdin!.write('go\n');
  }

  /** The next line that it writes. */
  async line(timeoutMs = 20_000): Promise<string> {
    const timeout = AbortSignal.timeout(timeoutMs * timeScale);
    while (this.#lines.length === 0) {
      if (this.#ended || timeout.aborted) {
        throw new Error(
          `${this.#name}: ${this.#ended ? 'ended' : 'said nothing'}\n${this.#errors}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        timeout.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.#lines.shift()!;
  }

  /** Sends a line and returns what the next line says as JSON. */
  async ask<T>(command: string): Promise<T> {
    this.child.stdin!.write(`${command}\n`);
    return JSON.parse(await this.line()) as T;
  }

  /** All lines until it ends. */
  async output(): Promise<string> {
    await this.ended();
    return this.#lines.join('\n');
  }

  /** Resolves when it has ended and all its output was read. */
  async ended(): Promise<void> {
    if (!this.#ended) await new Promise<void>((resolve) => this.#whenEnded(resolve));
    if (
      this.child.exitCode === null &&
      this.child.signalCode === null &&
      this.child.pid !== undefined
    ) {
      await once(this.child, 'exit');
    }
  }

  /** Ends its input, upon which the programs of this suite end; others get the signal. */
  async stop(signal?: NodeJS.Signals): Promise<void> {
    this.child.stdin!.end();
    if (signal !== undefined) this.child.kill(signal);
    await this.ended();
  }

  #whenEnded(resolve: () => void): void {
    this.#waiting.push(() => (this.#ended ? resolve() : this.#whenEnded(resolve)));
  }
}
