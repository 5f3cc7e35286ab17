// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';

/**
 * One message, as the parser sees it: a line.
 *
 * ```
 * request    ASK <topic> LF            response    + <text> LF
 *            TELL <topic> <text> LF                - <reason> LF
 * ```
 */
export interface __TYPE__Frame {
  readonly verb: 'ASK' | 'TELL' | '+' | '-';
  /** What stands behind the verb. */
  readonly rest: string;
}

/** A longer line is none of this protocol. */
export const maxLineBytes = 4096;

const verbs = { request: ['ASK', 'TELL'], response: ['+', '-'] } as const;

/** The verb of a line that begins at an offset; undefined when none of this side does, or when too little is there. */
export function verbAt(side: Side, view: ByteView, at: number): __TYPE__Frame['verb'] | undefined {
  return verbs[side].find((verb) => view.matches(`${verb} `, at));
}

/** Whether a view is too short to tell: all there is begins a verb. */
export function mayBecomeVerb(side: Side, view: ByteView): boolean {
  return verbs[side].some((verb) => `${verb} `.startsWith(view.latin1(0, view.available)));
}
