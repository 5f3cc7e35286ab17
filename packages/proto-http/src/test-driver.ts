// SPDX-License-Identifier: Apache-2.0
import { ByteView, type Side } from '@libtrace/core/plugin';
import type { Http1Frame } from './frames.js';
import { HeadReader } from './head.js';
import { HttpParser } from './parser.js';

/** Bytes, or a hole of a size. */
export type Run = string | Buffer | { readonly hole: number };
/** What one side sends, in the order of the conversation. */
export type Step = readonly [Side, Run];

/** A message that the parser gave out, as core would hand it on. */
export interface Seen {
  readonly side: Side;
  readonly frame: Http1Frame;
  readonly bytes: number;
  readonly truncated: boolean;
}

interface Half {
  runs: (Buffer | { hole: number })[];
  outstanding: number;
  held: Http1Frame | undefined;
  messageBytes: number;
  inMessage: boolean;
  lost: boolean;
  ended: boolean;
}

const newHalf = (): Half => ({
  runs: [],
  outstanding: 0,
  held: undefined,
  messageBytes: 0,
  inMessage: false,
  lost: false,
  ended: false,
});

/** As core keeps them when it finds no message. */
const KEPT = 64;

/** Feeds a parser as the documentation of `FrameParser` says, in memory that is overwritten after every call. */
export class Driver {
  readonly parser: HttpParser;
  readonly seen: Seen[] = [];
  readonly failures: string[] = [];
  skipped = 0;
  resyncs = 0;
  calls = 0;
  switchedTo: string | undefined;
  readonly #view = new ByteView();
  readonly #halves: Record<Side, Half> = { request: newHalf(), response: newHalf() };

  constructor({ midstream = false, headers = [] as readonly string[] } = {}) {
    const allowed = [...new Set(headers.map((name) => name.toLowerCase()))];
    this.parser = new HttpParser(
      new HeadReader({ request: allowed, response: allowed }),
      midstream,
    );
  }

  feed(...steps: readonly Step[]): this {
    for (const [side, run] of steps) {
      const half = this.#halves[side];
      half.runs.push(
        typeof run === 'string'
          ? Buffer.from(run, 'latin1')
          : Buffer.isBuffer(run)
            ? run
            : { ...run },
      );
      this.#pump(side, half);
    }
    return this;
  }

  end(...sides: readonly Side[]): this {
    for (const side of sides.length > 0 ? sides : (['request', 'response'] as const)) {
      const half = this.#halves[side];
      half.ended = true;
      this.#pump(side, half);
      if (half.held !== undefined) {
        this.#deliver(side, half, half.held, true);
      } else if (half.inMessage) {
        const truncated =
          half.outstanding > 0 || half.runs.length > 0 || !this.parser.endCompletes(side);
        const frame = this.parser.end(side);
        if (frame !== undefined) this.#deliver(side, half, frame, truncated);
      }
    }
    return this;
  }

  frames(side?: Side): Http1Frame[] {
    return this.seen.filter((one) => side === undefined || one.side === side).map((s) => s.frame);
  }

  #pump(side: Side, half: Half): void {
    for (let turns = 0; ; turns++) {
      if (turns > 100_000) throw new Error('the loop does not end');
      if (this.switchedTo !== undefined) return;
      this.#consume(half);
      if (half.outstanding > 0) return;
      if (half.held !== undefined) this.#deliver(side, half, half.held, false);
      const [first, second] = merge(half);
      const data = Buffer.isBuffer(first) ? first : Buffer.alloc(0);
      const hole =
        first === undefined ? 0 : Buffer.isBuffer(first) ? sizeOf(second) : sizeOf(first);
      if (data.length + hole === 0 && !half.ended) return;
      if (data.length === 0 && hole > 0 && !half.inMessage) {
        // between messages a hole is core's affair
        half.outstanding = hole;
        half.lost = true;
        continue;
      }
      if (half.lost) {
        if (data.length === 0 || !this.#resync(side, half, data, hole, 'hole')) return;
        continue;
      }
      const result = this.#with(
        data,
        hole,
        half.ended && half.runs.length <= (hole > 0 ? 2 : 1),
        () => this.parser.parse(side, this.#view),
      );
      this.calls++;
      switch (result.status) {
        case 'frame':
        case 'part':
          this.#step(half, result.consumed);
          half.inMessage = true;
          half.messageBytes += result.consumed;
          if (result.status === 'frame') half.held = result.frame;
          break;
        case 'skip':
          this.#step(half, result.consumed);
          this.skipped += result.consumed;
          break;
        case 'more':
          if (hole === 0) return;
          half.inMessage = false;
          half.messageBytes = 0;
          half.lost = true;
          half.outstanding = data.length + hole;
          break;
        case 'invalid':
          this.failures.push(result.why);
          half.inMessage = false;
          half.messageBytes = 0;
          if (!this.#resync(side, half, data, hole, 'invalid')) return;
          break;
        case 'switch':
          half.messageBytes += result.consumed;
          if (result.frame !== undefined) this.#deliver(side, half, result.frame, false);
          this.switchedTo = result.to;
          return;
      }
    }
  }

  /** Whether there is something to parse now. */
  #resync(side: Side, half: Half, data: Buffer, hole: number, after: 'hole' | 'invalid'): boolean {
    this.resyncs++;
    const at = this.#with(data, hole, half.ended, () =>
      this.parser.resync(side, this.#view, after),
    );
    if (at < -1 || at >= Math.max(1, data.length) || (at === 0 && after === 'invalid')) {
      throw new Error(`resync gave ${at}`);
    }
    half.lost = at < 0;
    half.outstanding = at;
    if (at >= 0) return true;
    const most = after === 'invalid' ? data.length - 1 : data.length;
    const keep = hole > 0 || half.ended ? 0 : Math.min(KEPT, most);
    half.outstanding = data.length + hole - keep;
    this.#consume(half);
    return keep === 0 && half.runs.length > 0;
  }

  #step(half: Half, consumed: number): void {
    if (!(consumed > 0) || !Number.isSafeInteger(consumed)) throw new Error(`step of ${consumed}`);
    half.outstanding = consumed;
  }

  #consume(half: Half): void {
    while (half.outstanding > 0 && half.runs.length > 0) {
      const run = half.runs[0]!;
      const size = sizeOf(run);
      const take = Math.min(size, half.outstanding);
      half.outstanding -= take;
      if (take === size) half.runs.shift();
      else half.runs[0] = Buffer.isBuffer(run) ? run.subarray(take) : { hole: size - take };
    }
  }

  #deliver(side: Side, half: Half, frame: Http1Frame, truncated: boolean): void {
    const bytes = half.messageBytes - half.outstanding;
    this.seen.push({ side, frame: { ...frame }, bytes, truncated });
    half.held = undefined;
    half.inMessage = false;
    half.messageBytes = 0;
  }

  /** Puts bytes between others in memory of their own, and spoils them when the call has returned. */
  #with<T>(data: Buffer, hole: number, ended: boolean, call: () => T): T {
    const slab = Buffer.alloc(data.length + 32, 0x0a);
    data.copy(slab, 16);
    this.#view.reset(slab, 16, data.length, hole, ended, 0);
    const result = call();
    slab.fill(0xdd);
    return result;
  }
}

function sizeOf(run: Buffer | { hole: number } | undefined): number {
  return run === undefined ? 0 : Buffer.isBuffer(run) ? run.length : run.hole;
}

/** Joins neighbours of one kind at the head; gives the first two runs. */
function merge(half: Half): (Buffer | { hole: number } | undefined)[] {
  const merged: (Buffer | { hole: number })[] = [];
  for (const run of half.runs) {
    const last = merged.at(-1);
    if (sizeOf(run) === 0) continue;
    if (last !== undefined && Buffer.isBuffer(last) && Buffer.isBuffer(run)) {
      merged[merged.length - 1] = Buffer.concat([last, run]);
    } else if (last !== undefined && !Buffer.isBuffer(last) && !Buffer.isBuffer(run)) {
      last.hole += run.hole;
    } else {
      merged.push(Buffer.isBuffer(run) ? run : { ...run });
    }
  }
  half.runs = merged;
  return [merged[0], merged[1]];
}
