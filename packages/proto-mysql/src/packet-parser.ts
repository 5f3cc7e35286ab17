// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ParseResult, Side } from '@libtrace/core/plugin';
import type { MysqlFrame } from './frames.js';
import { beginsGreeting } from './greeting.js';
import { beginsLogin } from './login.js';
import { HEADER_BYTES } from './packet-cursor.js';
import { RequestReader } from './request-reader.js';
import { beginsCommand } from './request-start.js';
import { ResponseReader } from './response-reader.js';
import { beginsAwaited, beginsResponse } from './response-start.js';
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
export class PacketParser {
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

  /** As {@link ResponseReader.skipRest}. */
  skipRest(side: Side, view: ByteView): ParseResult<MysqlFrame> | undefined {
    return side === 'response' ? this.#responses.skipRest(view) : undefined;
  }

  /** A message of this direction is in progress. */
  isOpen(side: Side): boolean {
    return side === 'request' ? this.#requests.isOpen : this.#responses.isOpen;
  }

  /** The place in a direction is lost. */
  lose(side: Side, nowNs: number): void {
    if (side === 'request') {
      this.#requests.forget();
      this.#session.lostCommands(nowNs);
    } else {
      this.#responses.forget();
      this.#session.lostResponses();
    }
  }

  /** Forgets its place in a direction, and finds the next message as {@link nextStart} does. */
  restart(side: Side, view: ByteView, from: number, likely: number): number {
    this.lose(side, view.timestampNs);
    return this.nextStart(side, view, from, likely);
  }

  /**
   * Offset of the first packet at or behind `from` that begins a message, or -1.
   * @param likely an offset at which one is likely to begin, besides 0
   */
  nextStart(side: Side, view: ByteView, from: number, likely: number): number {
    if (from === 0 && this.#beginsAsExpected(side, view, 0)) return 0;
    if (likely > 0 && this.#beginsAsExpected(side, view, likely)) return likely;
    const begins = side === 'request' ? beginsCommand : beginsResponse;
    // commands are numbered 0, the first packet of a response 1: the byte is looked for first
    const number = side === 'request' ? 0 : 1;
    let at = view.indexOf(number, from + 3);
    while (at >= 0) {
      const start = at - 3;
      if (begins(view, start, start === 0 || start === likely)) return start;
      at = view.indexOf(number, at + 1);
    }
    return -1;
  }

  end(side: Side): MysqlFrame | undefined {
    return side === 'request' ? this.#requests.end() : this.#responses.end();
  }

  endCompletes(side: Side): boolean {
    return side === 'response' && this.#responses.endCompletes;
  }

  /** Whether the greeting, the login, or what answers the last command stands at an offset. */
  #beginsAsExpected(side: Side, view: ByteView, at: number): boolean {
    const number = view.u8(at + 3);
    if (side === 'request') return (number === 1 || number === 2) && beginsLogin(view, at);
    if (number === 0) return beginsGreeting(view, at + HEADER_BYTES);
    const shape = this.#session.outstanding.answeredAt(Infinity)?.command.shape;
    return shape !== undefined && beginsAwaited(shape, view, at);
  }
}
