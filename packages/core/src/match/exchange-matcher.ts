// SPDX-License-Identifier: Apache-2.0
import type { Message, Side } from '../plugin/index.js';
import type { TimedMessage } from './timed-message.js';

/** Why an exchange has no response. */
export type Absence =
  /** It has one, or needs none. */
  | 'none'
  /** The response answers no request: the server sent it by itself. */
  | 'unsolicited'
  /** It did not come in time, or before the connection ended. */
  | 'unanswered'
  /** It may have come: what was lost hides it, or hides whose it is. */
  | 'lost'
  /** It began and the connection ended within its head. */
  | 'fragment';

/** Where a matcher hands exchanges on. At least one of the two messages is given. */
export type EmitExchange = (
  request: Message<unknown> | undefined,
  response: Message<unknown> | undefined,
  absence: Absence,
  fragmentBytes: number,
) => void;

/** What matching asks about one direction of a connection. */
export interface Lane {
  /** Stream position up to which bytes and holes were handed to the parser. */
  readonly received: number;
  /** A message has begun and not ended. */
  readonly busy: boolean;
  /** The parser lost its place, and the next message was not found yet. */
  readonly seeking: boolean;
  /** Stream position at which the message in progress began. */
  readonly messageStart: number;
  /** The message in progress as far as it is known, when its frame is; it will not be handed on again. */
  takeHeld(): TimedMessage | undefined;
}

/** Oldest requests are given up beyond this many on one connection. */
export const maxOutstanding = 4096;

/** How long a response waits for the event of its request, in nanoseconds. */
export const deferNs = 100e6;

/**
 * The same above a TLS library: the event of a write comes with the return of the library's function, for which its thread
 * must be given the processor again.
 */
export const deferAboveTlsNs = 1e9;

/** How long a response to a request that is still in progress waits for the end of it, in nanoseconds. */
export const earlyResponseNs = 5e9;

/** Pairs requests with responses on one connection. */
export interface ExchangeMatcher {
  /** Something waits for an answer or for time to pass: wants {@link tick}. */
  readonly waiting: boolean;
  request(message: TimedMessage): void;
  response(message: TimedMessage): void;
  /** Bytes of one side were lost in a way that may hide messages. `began`: one had visibly begun and is lost. */
  lost(side: Side, began: boolean): void;
  /**
   * Whether a segment in which a response may begin should wait for requests whose events are still on their way.
   * @param opposite bytes moved in the request direction when the segment was captured.
   */
  mustWait(opposite: number): boolean;
  /** Called before request bytes are parsed, when the connection was quiet since `quietSinceNs`. */
  requestArrives(opposite: number, startNs: number, quietSinceNs: number, isCertain: boolean): void;
  /** Time passes. `responding`: a response is in progress. */
  tick(nowNs: number, responding: boolean): void;
  /** The connection ended. `fragmentBytes`: bytes of a response that began and has no frame. */
  close(fragmentBytes: number): void;
}
