// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';
import { type FieldSink, HpackDecoder } from '../hpack/decoder.js';
import { TOKEN } from '../scan.js';
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  FRAME_HEADER_BYTES,
  FrameHeader,
  HEADERS,
  PADDED,
  PREFACE,
  PRIORITY_FLAG,
} from './frame-header.js';

/** So many headers in a row, each where the one before says that it is, are no accident. */
const ENOUGH = 3;
/** Bytes of header blocks that one search decodes to see whether they are some. */
const MAX_DECODED = 65_536;

const header = new FrameHeader();

/** What the bytes at an offset are: frames, bytes whose continuation will tell, or neither. */
type Likelihood = 'proven' | 'open' | 'no';

/**
 * Offset of the next frame at or behind `from`, or -1.
 *
 * A frame is proven by what follows it: the next header right behind it, the end of the bytes, or a header block that
 * can be decoded. One that reaches behind the view is not waited for: if it were none, nothing would be read until as
 * many bytes as it claims have moved.
 */
export function nextFrame(side: Side, view: ByteView, from: number, lastStream = 0): number {
  const budget = { left: MAX_DECODED };
  const last = view.available - FRAME_HEADER_BYTES;
  for (let at = from; at <= last; at++) {
    // the first byte of a length that is likely is 0 to 64; most bytes are sorted out here
    if (view.buffer[view.start + at]! > 0x40) {
      if (side === 'request' && view.matches(PREFACE, at)) return at;
      continue;
    }
    if (chain(side, view, at, budget, lastStream) === 'proven') return at;
  }
  return -1;
}

/** Whether the frame at the head of the view is one, by what follows it. */
export function isProven(side: Side, view: ByteView, lastStream = 0): Likelihood {
  return chain(side, view, 0, { left: MAX_DECODED }, lastStream);
}

/**
 * DATA that does not belong to a stream seen before needs more: another frame of that stream. Bodies hold lengths too,
 * and a length of gRPC, read as part of a header, may lead to the very end of the frame that it stands in.
 */
function chain(
  side: Side,
  view: ByteView,
  from: number,
  budget: { left: number },
  lastStream: number,
): Likelihood {
  const end = view.available + view.hole;
  let at = from;
  let evidence = -1;
  /** Stream of a first frame that is to be confirmed. */
  let alone = 0;
  while (evidence < ENOUGH) {
    if (at === end) evidence++;
    if (at >= end) break;
    if (!header.read(view, at)) {
      // too few bytes for a header: those that are there must not contradict it
      if (!mayBegin(view, at)) return 'no';
      break;
    }
    if (!header.isLikely(side)) return 'no';
    if (at === from && header.type === DATA && header.streamId > lastStream) {
      alone = header.streamId;
    } else if (header.streamId === alone) {
      alone = 0;
    }
    evidence++;
    const next = at + header.bytes;
    if (header.type === HEADERS && header.has(END_HEADERS)) {
      const decodable = isHeaderBlock(side, view, at, budget);
      if (decodable === false) return 'no';
      if (decodable === true) evidence++;
    }
    at = next;
  }
  if (alone > 0) return evidence < ENOUGH && at >= end ? 'open' : 'no';
  return evidence > 0 ? 'proven' : 'open';
}

/** Whether the last bytes of the view may be the beginning of a header: a length that is likely, a type that exists. */
function mayBegin(view: ByteView, at: number): boolean {
  // outside of the view a byte is -1
  return view.u8(at) <= 0x40 && view.u8(at + 3) <= CONTINUATION;
}

/** Whether a HEADERS frame that the view holds whole has a block that can be decoded; undefined when it is too far. */
function isHeaderBlock(
  side: Side,
  view: ByteView,
  at: number,
  budget: { left: number },
): boolean | undefined {
  const { length } = header;
  if (at + header.bytes > view.available || length > budget.left) return undefined;
  budget.left -= length;
  let from = view.start + at + FRAME_HEADER_BYTES;
  let to = from + length;
  if (header.has(PADDED)) to -= view.buffer[from++]!;
  if (header.has(PRIORITY_FLAG)) from += 5;
  if (from >= to) return false;
  const sink = new PlausibleFields(side);
  return new HpackDecoder(false).decode(view.buffer, from, to, sink) === 'whole' && sink.plausible;
}

/** Looks at names only: pseudo-fields of this side, or tokens in lower case (RFC 9113 §8.2, §8.3). */
class PlausibleFields implements FieldSink {
  readonly #side: Side;
  plausible = true;

  constructor(side: Side) {
    this.#side = side;
  }

  wants(name: string): boolean {
    if (name.startsWith(':')) {
      if ((name === ':status') !== (this.#side === 'response')) this.plausible = false;
    } else if (!isLowerToken(name)) {
      this.plausible = false;
    }
    return false;
  }

  field(): void {
    // values say nothing
  }

  unknown(): void {
    // a field of the table
  }
}

function isLowerToken(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code > 0x7f || TOKEN[code] !== 1 || (code >= 0x41 && code <= 0x5a)) return false;
  }
  return name !== '';
}
