// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process';
import { CliError } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';

/** A call that the demo's client made and got an answer to. */
export interface MadeCall {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** What the demo's programs tell their parent. */
export type DemoMessage =
  | { readonly kind: 'ready'; readonly port?: number }
  | { readonly kind: 'done'; readonly calls: readonly MadeCall[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** One of the demo's two programs: a Node process with a line to this one. */
export class DemoChild {
  readonly #child: ChildProcess;
  readonly #name: string;

  constructor(file: string, name: string, deps: Dependencies) {
    this.#name = name;
    const env = { ...deps.env };
    // Options meant for libtrace (inspector, loaders) must not reach its programs.
    delete env['NODE_OPTIONS'];
    this.#child = deps.spawn(process.execPath, [file], {
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next message of the expected kind. Rejects when the program fails or ends first. */
  next<Kind extends 'ready' | 'done'>(
    kind: Kind,
  ): Promise<Extract<DemoMessage, { readonly kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new CliError('ERR_DEMO', `The ${this.#name} of the demo ${why}.`));
      const onExit = (): void => fail('ended early');
      this.#child.once('error', (error) => fail(`could not be started: ${error.message}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit);
        const told = message as DemoMessage;
        if (told.kind === kind) resolve(told as Extract<DemoMessage, { readonly kind: Kind }>);
        else fail(told.kind === 'failed' ? `failed: ${told.reason}` : 'said something unexpected');
      });
    });
  }

  send(message: object): void {
    this.#child.send(message);
  }

  /** Ends the program: it exits when its line is closed. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#child.pid === undefined) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await exited;
  }
}
