// SPDX-License-Identifier: Apache-2.0

/** No window is larger (RFC 7323, 2.3): what is farther away belongs to another connection. */
const maxDistance = 2 ** 30;
/** What one kept piece costs beside its bytes. */
const overheadBytes = 256;

/** Bytes that one packet carried. */
export interface Bytes {
  /** Place in the stream. */
  position: number;
  length: number;
  /** Bytes that were captured, from the first on. */
  captured: number;
  data: Buffer;
  start: number;
  timeNs: number;
  /** Position of the opposite stream that their sender had acknowledged: they come after it. */
  after: number;
  /** Bytes that had moved in the opposite direction. */
  opposite: number;
}

/** One direction of a TCP connection: sequence numbers become positions, and bytes wait until those before them came. */
export class TcpStream {
  /** The sequence number of position 0 is known. */
  known = false;
  /** Packets in this direction. */
  packets = 0;
  /** All before was handed over, or is a hole. */
  delivered = 0;
  /** Time of what was handed over last; -Infinity after a hole. */
  lastNs = -Infinity;
  /** End of what was seen. */
  seen = 0;
  /** Highest position that the peer acknowledged. */
  acknowledged = 0;
  /** The same, by at least two packets: a stray one does not make a hole. */
  confirmed = 0;
  /** Position of the FIN; -1 when there was none. */
  fin = -1;
  /** What could not be handed over yet, by position, without overlaps. */
  readonly pending: Bytes[] = [];
  pendingCost = 0;
  /** When `delivered` stopped where it is, with something behind it; -1 when nothing is. */
  blockedNs = -1;
  /** When the peer was seen to have what is missing at `delivered`; -1 when it has not. */
  missedNs = -1;
  #zero = 0;

  /** Position 0 is known. */
  begin(sequence: number): void {
    this.known = true;
    this.#zero = sequence;
  }

  /** Whether a SYN with this sequence number is the one that this stream began with. */
  beganWith(synSequence: number): boolean {
    return ((synSequence + 1 - this.#zero) | 0) === 0;
  }

  /** The position of a sequence number; undefined when it is out of every window. */
  positionOf(sequence: number): number | undefined {
    const near = Math.max(this.seen, this.delivered);
    const distance = (sequence - this.#zero - near) | 0;
    return distance > maxDistance || distance < -maxDistance ? undefined : near + distance;
  }

  /** The peer acknowledged what is before a sequence number: its position, or undefined when it cannot be. */
  acknowledge(sequence: number): number | undefined {
    if (!this.known) this.begin(sequence);
    let position = this.positionOf(sequence);
    if (position === undefined) return undefined;
    // The FIN takes a number of its own.
    if (this.fin !== -1 && position > this.fin) position = this.fin;
    this.confirmed = Math.max(this.confirmed, Math.min(position, this.acknowledged));
    if (position > this.acknowledged) this.acknowledged = position;
    return position;
  }

  /** Where the stream is known to go to, beyond what was seen of it. */
  get tail(): number {
    if (this.fin !== -1) return this.fin;
    // One more than what was seen is a FIN that was not.
    const isFin = this.confirmed === Math.max(this.seen, this.delivered) + 1;
    return isFin ? this.confirmed - 1 : this.confirmed;
  }

  /** A FIN was seen: the first one counts. */
  finish(position: number): void {
    if (this.fin !== -1 || position < Math.max(this.seen, this.delivered)) return;
    this.fin = position;
    this.acknowledged = Math.min(this.acknowledged, position);
    this.confirmed = Math.min(this.confirmed, position);
  }

  /** All before a position is dealt with. */
  advance(position: number, timeNs: number): void {
    this.delivered = position;
    this.lastNs = timeNs;
    this.blockedNs = this.missedNs = -1;
  }

  /** Keeps a copy of bytes that lie behind `delivered`, without those that are kept already. */
  keep(bytes: Bytes): { readonly kept: number; readonly cost: number } {
    const { pending } = this;
    let at = this.#firstBehind(bytes.position);
    const previous = pending[at - 1];
    const end = bytes.position + bytes.length;
    let from = bytes.position;
    if (previous !== undefined) from = Math.max(from, previous.position + previous.length);
    let kept = 0;
    let cost = 0;
    while (from < end) {
      const next = pending[at];
      const to = next === undefined ? end : Math.min(end, next.position);
      if (to > from) {
        const piece = copyPart(bytes, from, to);
        pending.splice(at++, 0, piece);
        kept += piece.length;
        cost += costOf(piece);
      }
      if (next === undefined) break;
      from = next.position + next.length;
      at++;
    }
    this.pendingCost += cost;
    return { kept, cost };
  }

  /** Takes out the first bytes that are kept; returns what they cost. */
  shift(): number {
    const cost = costOf(this.pending.shift()!);
    this.pendingCost -= cost;
    return cost;
  }

  /** Index of the first piece that begins behind a position. */
  #firstBehind(position: number): number {
    const { pending } = this;
    let low = 0;
    let high = pending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pending[middle]!.position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function costOf(bytes: Bytes): number {
  return bytes.captured + overheadBytes;
}

function copyPart(bytes: Bytes, from: number, to: number): Bytes {
  const skipped = from - bytes.position;
  const captured = Math.max(0, Math.min(bytes.captured - skipped, to - from));
  const start = bytes.start + skipped;
  return {
    ...bytes,
    position: from,
    length: to - from,
    captured,
    data: Buffer.from(bytes.data.subarray(start, start + captured)),
    start: 0,
  };
}
