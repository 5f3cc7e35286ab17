// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import type { MysqlFrame } from './frames.js';
import { beginsGreeting } from './greeting.js';
import { beginsLogin } from './login.js';
import { HEADER_BYTES } from './packet-cursor.js';
import { RequestReader } from './request-reader.js';
import { beginsCommand } from './request-start.js';
import { ResponseReader } from './response-reader.js';
import { beginsResponse } from './response-start.js';
import type { Session } from './session.js';
import { SessionEffects } from './session-effects.js';
import type { StatementSummaries } from './statement-summary.js';

/**
 * Reads packets that are not compressed, or not any more:
 * ```
 *  0        1        2        3        4
 *  +--------+--------+--------+--------+--------- - -
 *  | payload length, LE       | number | payload
 *  +--------+--------+--------+--------+--------- - -
 * ```
 * A payload of 0xffffff bytes goes on in the next packet. Commands begin with number 0; all packets until the end of the
 * response count on from there.
 */
export class PacketParser implements FrameParser<MysqlFrame> {
  readonly #session: Session;
  readonly #requests: RequestReader;
  readonly #responses: ResponseReader;

  constructor(session: Session, summaries: StatementSummaries, maxQueryBytes: number) {
    this.#session = session;
    this.#requests = new RequestReader(session, maxQueryBytes);
    this.#responses = new ResponseReader(session, new SessionEffects(session, summaries));
  }

  parse(side: Side, view: ByteView): ParseResult<MysqlFrame> {
    return side === 'request' ? this.#requests.read(view) : this.#responses.read(view);
  }

  /** A message of this direction is in progress. */
  isOpen(side: Side): boolean {
    return side === 'request' ? this.#requests.isOpen : this.#responses.isOpen;
  }

  /** The place in a direction is lost. */
  lose(side: Side): void {
    if (side === 'request') {
      this.#requests.forget();
      this.#session.lostCommands();
    } else {
      this.#responses.forget();
      this.#session.lostResponses();
    }
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    this.lose(side);
    return nextPacketStart(side, view, after === 'hole' ? 0 : 1);
  }

  end(side: Side): MysqlFrame | undefined {
    return side === 'request' ? this.#requests.end() : this.#responses.end();
  }

  endCompletes(side: Side): boolean {
    return side === 'response' && this.#responses.endCompletes;
  }
}

/** Whether the greeting or the login stands at the head of the view. */
function beginsConnection(side: Side, view: ByteView): boolean {
  const number = view.u8(3);
  if (side === 'response') return number === 0 && beginsGreeting(view, HEADER_BYTES);
  return (number === 1 || number === 2) && beginsLogin(view);
}

/** Offset of the first packet at or behind `from` that begins a message, or -1. */
export function nextPacketStart(side: Side, view: ByteView, from: number): number {
  if (from === 0 && beginsConnection(side, view)) return 0;
  const begins = side === 'request' ? beginsCommand : beginsResponse;
  // commands are numbered 0, the first packet of a response 1: the byte is looked for first
  const number = side === 'request' ? 0 : 1;
  let at = view.indexOf(number, from + 3);
  while (at >= 0) {
    const start = at - 3;
    if (begins(view, start, start === 0)) return start;
    at = view.indexOf(number, at + 1);
  }
  return -1;
}
