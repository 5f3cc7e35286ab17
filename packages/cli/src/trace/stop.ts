// SPDX-License-Identifier: Apache-2.0
import type { SignalSource } from '../dependencies.js';

/** Why a trace ends. */
export type StopReason =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'duration' }
  | { readonly kind: 'max-records' }
  | { readonly kind: 'command-ended' }
  /** The output takes no more: its reader went away, or its disk is full. */
  | { readonly kind: 'output' };

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Waits for the first reason to stop. A second SIGINT settles `interrupted`, whatever is still going on. */
export class StopWatch {
  readonly #signals: SignalSource;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #stopped: Promise<StopReason>;
  readonly #interrupted: Promise<'interrupted'>;
  #stop!: (reason: StopReason) => void;
  #interrupt!: () => void;
  #timer: NodeJS.Timeout | undefined;
  #interrupts = 0;

  /**
   * `onSignal` sees each signal first and may keep it from ending the trace by returning `keep` (the traced command got
   * the same signal, and its end ends the trace).
   */
  constructor(signals: SignalSource, onSignal: (signal: NodeJS.Signals) => 'stop' | 'keep') {
    this.#signals = signals;
    this.#stopped = new Promise((resolve) => (this.#stop = resolve));
    this.#interrupted = new Promise((resolve) => {
      this.#interrupt = () => resolve('interrupted');
    });
    for (const signal of stopSignals) {
      const listener = (): void => {
        if (onSignal(signal) === 'keep') return;
        if (signal === 'SIGINT' && ++this.#interrupts > 1) this.#interrupt();
        this.#stop({ kind: 'signal', signal });
      };
      this.#listeners.set(signal, listener);
      signals.on(signal, listener);
    }
  }

  /** Resolves with the first reason. */
  get stopped(): Promise<StopReason> {
    return this.#stopped;
  }

  /** Resolves at the second SIGINT. */
  get interrupted(): Promise<'interrupted'> {
    return this.#interrupted;
  }

  stop(reason: StopReason): void {
    this.#stop(reason);
  }

  /** Stops after a time, counted from now. */
  stopAfter(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#stop({ kind: 'duration' }), milliseconds);
  }

  /** Takes the signal handlers and the timer away. */
  dispose(): void {
    clearTimeout(this.#timer);
    for (const [signal, listener] of this.#listeners) this.#signals.off(signal, listener);
    this.#listeners.clear();
  }
}
