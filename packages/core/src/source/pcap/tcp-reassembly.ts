// SPDX-License-Identifier: Apache-2.0
import type { End, TcpContext } from './tcp-context.js';
import { TcpStream, type Bytes } from './tcp-stream.js';

/** Bytes that the peer has were lost by the capture, unless they show up within this time: packets change places. */
const missedNs = 100e6;
/** Bytes that the peer has not acknowledged are waited for this long. */
const unacknowledgedNs = 10e9;

/** Takes what the reassembly puts in order. */
export interface Reassembled {
  /** The next bytes of one end. Before them is a hole when their position says so. */
  deliver(from: End, bytes: Bytes, timeNs: number): void;
  /** Bytes of one end moved that are not in the capture, and nothing behind them is known. */
  lose(from: End, position: number, length: number, timeNs: number): void;
}

/**
 * The two streams of a connection. Bytes go on in the order of their stream, and not before the bytes of the opposite
 * stream that their sender had acknowledged: so packets that were captured out of order are put right, of both
 * directions. A gap is a hole once the peer has acknowledged it (it had the bytes, the capture has not), or after a bound
 * of time or memory.
 */
export class TcpReassembly {
  readonly streams: readonly [TcpStream, TcpStream] = [new TcpStream(), new TcpStream()];
  readonly #context: TcpContext;
  readonly #sink: Reassembled;

  constructor(context: TcpContext, sink: Reassembled) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Something is held back, or owed. */
  get waiting(): boolean {
    return this.streams[0].blockedNs !== -1 || this.streams[1].blockedNs !== -1;
  }

  /**
   * A packet of one end acknowledged what is before a sequence number of the other's.
   * @returns the position that this is, or 0.
   */
  acknowledge(from: End, sequence: number): number {
    const other = opposite(from);
    const stream = this.streams[other];
    const position = stream.acknowledge(sequence) ?? 0;
    // That direction is not in the capture at all.
    if (stream.packets === 0 && position > stream.delivered) {
      this.#lose(other, position, this.#context.nowNs);
    }
    return Math.max(0, position);
  }

  /** Takes bytes of one end, which may be old, or lie behind a gap. */
  take(from: End, bytes: Bytes): void {
    const { tcp } = this.#context.counters;
    const stream = this.streams[from];
    const skipped = Math.max(0, stream.delivered - bytes.position);
    const end = bytes.position + bytes.length;
    const beyondFin = stream.fin === -1 ? 0 : Math.max(0, end - stream.fin);
    const length = bytes.length - skipped - beyondFin;
    if (length <= 0) {
      tcp.duplicateBytes += bytes.length;
      return;
    }
    tcp.duplicateBytes += skipped + beyondFin;
    bytes.position += skipped;
    bytes.start += Math.min(skipped, bytes.captured);
    bytes.length = length;
    bytes.captured = Math.max(0, Math.min(bytes.captured - skipped, length));
    const there = this.streams[opposite(from)];
    bytes.opposite = Math.max(there.seen, there.delivered, bytes.after);
    if (bytes.position + length > stream.seen) stream.seen = bytes.position + length;
    const next = stream.pending[0];
    const isNext =
      bytes.position === stream.delivered &&
      bytes.after <= there.delivered &&
      (next === undefined || bytes.position + length <= next.position);
    if (isNext) this.#deliver(from, bytes, bytes.timeNs);
    else this.#keep(from, bytes);
  }

  /** Hands over what can be, and notes since when the rest waits. */
  settle(): void {
    this.#drain();
    this.#note(0);
    this.#note(1);
  }

  /** Time passes: what was waited for long enough is given up. */
  expire(): void {
    this.#giveUp(0);
    this.#giveUp(1);
    this.settle();
  }

  /** Hands over everything that waits, with its holes. */
  flush(): void {
    this.#drain();
    for (let from = this.#earliest(); from !== undefined; from = this.#earliest()) {
      this.#unblock(from, Infinity);
      this.#drain();
    }
    for (const from of [0, 1] as const) {
      const stream = this.streams[from];
      if (stream.tail > stream.delivered) this.#lose(from, stream.tail, this.#context.nowNs);
    }
  }

  #keep(from: End, bytes: Bytes): void {
    const context = this.#context;
    const stream = this.streams[from];
    const { kept, cost } = stream.keep(bytes);
    context.bufferedBytes += cost;
    context.counters.tcp.duplicateBytes += bytes.length - kept;
    const isFull =
      stream.pendingCost > context.maxBufferedBytes ||
      context.bufferedBytes > context.maxTotalBufferedBytes;
    if (isFull) this.flush();
  }

  /** Notes whether a stream cannot go on, and whether that is because its peer has more than the capture. */
  #note(from: End): void {
    const stream = this.streams[from];
    const first = stream.pending[0];
    if (first === undefined && stream.tail <= stream.delivered) {
      stream.blockedNs = stream.missedNs = -1;
      return;
    }
    const { nowNs } = this.#context;
    if (stream.blockedNs === -1) stream.blockedNs = nowNs;
    const waitsForPeer = first?.position === stream.delivered;
    if (!waitsForPeer && stream.acknowledged <= stream.delivered) stream.missedNs = -1;
    else if (stream.missedNs === -1) stream.missedNs = nowNs;
  }

  #giveUp(from: End): void {
    const { nowNs } = this.#context;
    const stream = this.streams[from];
    if (stream.blockedNs === -1) return;
    const isMissed = stream.missedNs !== -1 && nowNs - stream.missedNs >= missedNs;
    if (!isMissed && nowNs - stream.blockedNs < unacknowledgedNs) return;
    if (stream.pending.length > 0) this.#unblock(from, isMissed ? stream.acknowledged : Infinity);
    else this.#lose(from, stream.tail, stream.blockedNs);
  }

  /**
   * Gives up what the first bytes that wait are waiting for.
   * @param limit a gap before them is given up to this position at most.
   */
  #unblock(from: End, limit: number): void {
    const stream = this.streams[from];
    const first = stream.pending[0]!;
    if (first.position > stream.delivered) {
      this.#passOver(stream, Math.min(first.position, limit));
      return;
    }
    const other = opposite(from);
    const there = this.streams[other];
    const waiting = there.pending[0];
    if (waiting !== undefined && waiting.position > there.delivered) {
      this.#passOver(there, Math.min(waiting.position, first.after));
    } else if (waiting === undefined && first.after > there.delivered + 1) {
      this.#lose(other, first.after, first.timeNs);
    } else {
      // Each waits for the other; or what is missing is a FIN, which counts as one.
      first.after = 0;
    }
  }

  #drain(): void {
    while (this.#drainOne(0) || this.#drainOne(1)) continue;
  }

  /** Hands over what waits in one stream as far as it can be; whether that was anything. */
  #drainOne(from: End): boolean {
    const stream = this.streams[from];
    const there = this.streams[opposite(from)];
    let moved = false;
    for (let first = stream.pending[0]; first !== undefined; first = stream.pending[0]) {
      if (first.position > stream.delivered || first.after > there.delivered) break;
      this.#context.bufferedBytes -= stream.shift();
      this.#deliver(from, first, Math.max(first.timeNs, stream.lastNs));
      moved = true;
    }
    return moved;
  }

  #deliver(from: End, bytes: Bytes, timeNs: number): void {
    const { tcp } = this.#context.counters;
    tcp.bytes += bytes.captured;
    tcp.cutBytes += bytes.length - bytes.captured;
    this.streams[from].advance(bytes.position + bytes.length, timeNs);
    this.#sink.deliver(from, bytes, timeNs);
  }

  /** What is before a position will not come: the position of what follows says so. */
  #passOver(stream: TcpStream, position: number): void {
    this.#context.counters.tcp.lostBytes += position - stream.delivered;
    stream.advance(position, -Infinity);
  }

  #lose(from: End, position: number, timeNs: number): void {
    const stream = this.streams[from];
    const start = stream.delivered;
    this.#passOver(stream, position);
    this.#sink.lose(from, start, position - start, timeNs);
  }

  /** Of the ends whose bytes wait, the one whose first bytes came first. */
  #earliest(): End | undefined {
    const [one, other] = [this.streams[0].pending[0], this.streams[1].pending[0]];
    if (one === undefined) return other === undefined ? undefined : 1;
    return other === undefined || one.timeNs <= other.timeNs ? 0 : 1;
  }
}

/** The other end. */
export function opposite(end: End): End {
  return end === 0 ? 1 : 0;
}
