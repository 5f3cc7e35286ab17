// SPDX-License-Identifier: Apache-2.0
import { WatchedProcess } from './watched-process.js';

/** The traced processes that are known; when there are too many, the one that was added first is forgotten. */
export class WatchedProcesses {
  readonly #byPid = new Map<number, WatchedProcess>();
  readonly #most: number;
  readonly #onForget: (process: WatchedProcess) => void;
  #checking: Iterator<WatchedProcess> | undefined;

  /** `most`: that are known at once; `onForget`: called with each that is forgotten. */
  constructor(most: number, onForget: (process: WatchedProcess) => void) {
    this.#most = most;
    this.#onForget = onForget;
  }

  get(pid: number): WatchedProcess | undefined {
    return this.#byPid.get(pid);
  }

  all(): Iterable<WatchedProcess> {
    return this.#byPid.values();
  }

  /** A process as it is from now on, whatever was known under its id. */
  add(pid: number, parent: number, sources: ReadonlySet<string>): WatchedProcess {
    this.forget(pid);
    const process = new WatchedProcess(pid, parent, sources);
    this.#byPid.set(pid, process);
    if (this.#byPid.size > this.#most) {
      for (const oldest of this.#byPid.keys()) {
        this.forget(oldest);
        break;
      }
    }
    return process;
  }

  forget(pid: number): void {
    const process = this.#byPid.get(pid);
    if (process === undefined) return;
    this.#byPid.delete(pid);
    this.#onForget(process);
  }

  /** Forgets those of the next `count` in turn that do not exist: the event of an end may have been lost. */
  forgetEnded(count: number, exists: (pid: number) => boolean): void {
    for (let i = 0; i < count; i++) {
      const next = (this.#checking ??= this.#byPid.values()).next();
      if (next.done === true) {
        this.#checking = undefined;
        break;
      }
      if (!exists(next.value.pid)) this.forget(next.value.pid);
    }
  }

  clear(): void {
    this.#byPid.clear();
  }
}
