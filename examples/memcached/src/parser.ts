// SPDX-License-Identifier: Apache-2.0
import type {
  ByteView,
  ConnectionInfo,
  FrameParser,
  ParseResult,
  Side,
} from '@libtrace/core/plugin';
import { isQuiet } from './commands.js';
import type { MemcachedFrame, MemcachedResponse } from './frames.js';
import { readRequestLine } from './request-line.js';
import { readResponseLine } from './response-line.js';

/** A `get` of many keys is the longest line. */
const maxLineBytes = 64 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const lineEndBytes = 2;

type Result = ParseResult<MemcachedFrame>;

/** Reads one connection. Requests have no state; responses are counted until the line that ends them. */
export class MemcachedParser implements FrameParser<MemcachedFrame> {
  /** A response of many lines is in progress: what was counted of it. */
  #open = false;
  #hits = 0;
  #valueBytes = 0;
  /** The first response behind a hole may be the rest of one. */
  #headless = false;
  /** Requests are read from a known boundary on: any word may be a command there. */
  #sure: boolean;
  /** How much of an unfinished line was looked at. */
  readonly #searched = { request: 0, response: 0 };

  constructor(connection: ConnectionInfo) {
    this.#sure = !connection.midstream;
  }

  parse(side: Side, view: ByteView): Result {
    const end = this.#lineEnd(side, view);
    if (end === 'more') return { status: 'more' };
    if (end === 'none') return { status: 'invalid', why: 'no line' };
    const textEnd = view.u8(end - 1) === CR ? end - 1 : end;
    const line = view.latin1(0, textEnd);
    return side === 'request'
      ? this.#request(line, end + 1, view)
      : this.#response(line, end + 1, view);
  }

  /** Behind a hole a line may be the end of a longer one: the first that is taken is the second. */
  resync(side: Side, view: ByteView): number {
    this.#searched[side] = 0;
    if (side === 'request') this.#sure = false;
    else {
      this.#forget();
      this.#headless = true;
    }
    for (let before = view.indexOf(LF); before >= 0;) {
      const end = view.indexOf(LF, before + 1);
      if (end < 0) return -1;
      const line = view.latin1(before + 1, view.u8(end - 1) === CR ? end - 1 : end);
      if (isStart(side, line, end + 1, view)) return before + 1;
      before = end;
    }
    return -1;
  }

  end(side: Side): MemcachedFrame | undefined {
    return side === 'response' && this.#open ? this.#take('', undefined) : undefined;
  }

  endCompletes(): boolean {
    return false;
  }

  #request(line: string, next: number, view: ByteView): Result {
    const frame = readRequestLine(line, this.#sure);
    if (frame === undefined) return { status: 'invalid', why: 'no command line' };
    // Which commands of these are answered cannot be told by order.
    if (frame.command === 'watch' || isQuiet(line.split(' '))) {
      return { status: 'switch', to: 'opaque', consumed: next };
    }
    const consumed = frame.valueBytes === undefined ? next : next + frame.valueBytes + lineEndBytes;
    if (consumed > next && !endsBlock(view, consumed)) {
      return { status: 'invalid', why: 'no end of data' };
    }
    this.#sure = true;
    return { status: 'frame', frame, consumed };
  }

  #response(line: string, next: number, view: ByteView): Result {
    const read = readResponseLine(line);
    if (read === undefined) return { status: 'invalid', why: 'no response line' };
    switch (read.is) {
      case 'item':
        this.#open = true;
        return { status: 'part', consumed: next };
      case 'value': {
        const consumed = next + read.bytes + lineEndBytes;
        if (!endsBlock(view, consumed)) return { status: 'invalid', why: 'no end of data' };
        this.#open = true;
        this.#hits++;
        this.#valueBytes += read.bytes;
        if (!read.alone) return { status: 'part', consumed };
        return { status: 'frame', frame: this.#take('VALUE', undefined), consumed };
      }
      case 'end': {
        const isError = read.message !== undefined;
        if (this.#open && read.result !== 'END' && !isError) {
          return { status: 'invalid', why: 'END expected' };
        }
        const result = read.result === 'END' && this.#hits > 0 ? 'VALUE' : read.result;
        const ofMany = this.#open || read.result === 'END';
        return { status: 'frame', frame: this.#take(result, read.message, ofMany), consumed: next };
      }
    }
  }

  #take(result: string, message: string | undefined, ofMany = true): MemcachedResponse {
    const frame: MemcachedResponse = {
      kind: 'response',
      result,
      hits: this.#hits,
      valueBytes: this.#valueBytes,
      message,
      // A response of one line is whole when the line is.
      headless: this.#headless && ofMany,
    };
    this.#forget();
    this.#headless = false;
    return frame;
  }

  #forget(): void {
    this.#open = false;
    this.#hits = 0;
    this.#valueBytes = 0;
  }

  /** Offset of the line feed of the first line. */
  #lineEnd(side: Side, view: ByteView): number | 'more' | 'none' {
    const end = view.indexOf(LF, this.#searched[side], maxLineBytes);
    this.#searched[side] = end >= 0 ? 0 : view.available;
    if (end >= 0) return end;
    if (view.available >= maxLineBytes) {
      this.#searched[side] = 0;
      return 'none';
    }
    return 'more';
  }
}

/** Whether a data block ends with a line end, as far as that can be seen. */
function endsBlock(view: ByteView, end: number): boolean {
  return end > view.available || (view.u8(end - 2) === CR && view.u8(end - 1) === LF);
}

/** Whether a message may start with a line, of which `next` is the end. */
function isStart(side: Side, line: string, next: number, view: ByteView): boolean {
  if (side === 'request') return readRequestLine(line, false) !== undefined;
  const read = readResponseLine(line);
  if (read === undefined) return false;
  // A number may be a counter, or the data of a value, behind which more values come, or END.
  const isNumber = read.is === 'end' && read.result === 'NUMBER';
  return !isNumber || !(view.matches('END\r', next) || view.matches('VALUE ', next));
}
