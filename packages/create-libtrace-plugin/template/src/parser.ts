// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import { maxLineBytes, mayBecomeVerb, verbAt, type __TYPE__Frame } from './frames.js';

const LF = 0x0a;

/** Reads one connection, both directions. A line says all that is needed to read it: nothing is kept between calls. */
export class __TYPE__Parser implements FrameParser<__TYPE__Frame> {
  parse(side: Side, view: ByteView): ParseResult<__TYPE__Frame> {
    const verb = verbAt(side, view, 0);
    if (verb === undefined) {
      // A view may end anywhere, also within the first word.
      if (mayBecomeVerb(side, view)) return { status: 'more' };
      return { status: 'invalid', why: `no ${side} begins here` };
    }
    const end = view.indexOf(LF, 0, maxLineBytes);
    if (end < 0 && view.available < maxLineBytes) return { status: 'more' };
    if (end < 0) return { status: 'invalid', why: 'the line is too long' };
    // A string is a copy: the view itself must not be kept.
    return {
      status: 'frame',
      frame: { verb, rest: view.utf8(verb.length + 1, end) },
      consumed: end + 1,
    };
  }

  /** After lost bytes: the next line that begins with a verb. */
  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    let at = after === 'hole' ? 0 : nextLine(view, 0);
    while (at >= 0 && verbAt(side, view, at) === undefined) at = nextLine(view, at);
    return at;
  }
}

/** Offset of the line behind the one at an offset, or -1. */
function nextLine(view: ByteView, from: number): number {
  const end = view.indexOf(LF, from);
  return end < 0 || end + 1 >= view.available ? -1 : end + 1;
}
