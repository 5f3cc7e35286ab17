// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import { CompressedParser } from './compressed-parser.js';
import { beginsCompressed, nextCompressedStart } from './compressed-start.js';
import type { MysqlFrame } from './frames.js';
import { HEADER_BYTES, payloadLength } from './packet-cursor.js';
import { PacketParser } from './packet-parser.js';
import { SeekTail } from './seek-tail.js';
import { Session } from './session.js';
import type { StatementSummaries } from './statement-summary.js';

/** Bytes that tell whether packets are compressed: two headers and a command. */
const TELLING_BYTES = 12;
/** Messages in a row that must look the same before it is believed that packets are, or are not, compressed. */
const AGREEING_MESSAGES = 2;

const notAStart: ParseResult<MysqlFrame> = { status: 'invalid', why: 'no message begins here' };

/**
 * Parser of one connection. Packets are compressed from the end of the login on when both sides said so. On a connection
 * whose login was not seen the packets themselves tell; the first one may be what was in a compressed one whose header
 * was not seen, so that one alone does not settle it.
 */
export class MysqlParser implements FrameParser<MysqlFrame> {
  readonly #session: Session;
  readonly #packets: PacketParser;
  readonly #tails = { request: new SeekTail(), response: new SeekTail() };
  #compressed: CompressedParser | undefined;
  /** Messages in a row that agreed. */
  #agreeing = 0;

  /** @param midstream the connection is older than the tracing of it */
  constructor(midstream: boolean, summaries: StatementSummaries, maxQueryBytes: number) {
    this.#session = new Session(midstream);
    this.#packets = new PacketParser(this.#session, summaries, maxQueryBytes);
    if (!midstream) this.#agreeing = AGREEING_MESSAGES;
  }

  parse(side: Side, view: ByteView): ParseResult<MysqlFrame> {
    if (this.#isOpenToDoubt && !this.#parser().isOpen(side) && view.available > 0) {
      const doubt = this.#packets.skipRest(side, view) ?? this.#decide(side, view);
      if (doubt !== undefined) return doubt;
    }
    return this.#parser().parse(side, view);
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    if (!this.#isOpenToDoubt) this.#session.doubtCompression();
    const tail = this.#tails[side];
    const from = after === 'hole' ? 0 : 1;
    const likely = tail.behind(view);
    const start = this.#nextStart(side, view, from, likely);
    if (start < 0) tail.keep(view, from);
    else tail.forget();
    // what stands before a command in the same bytes is the end of another one
    const isBehind = start > 0 && start !== likely;
    if (side === 'request' && isBehind) this.#session.outstanding.sawPipelining();
    return start;
  }

  /** Offset of the next message, with packets as they are thought to be, or as they turn out to be. */
  #nextStart(side: Side, view: ByteView, from: number, likely: number): number {
    if (!this.#isOpenToDoubt) return this.#parser().restart(side, view, from, likely);
    const found = this.#packets.nextStart(side, view, from, likely);
    // what was in a compressed packet whose header was not seen follows the end of the header: "not compressed"
    const isInside = found >= 3 && found !== likely && payloadLength(view, found - 3) === 0;
    const plain = isInside || this.#wantsCompressed(side) ? -1 : found;
    const compressed = nextCompressedStart(side, view, from, likely);
    const isCompressed = compressed >= 0 && (plain < 0 || compressed <= plain);
    const start = isCompressed ? compressed : plain;
    if (start >= 0) this.#take(isCompressed, view.timestampNs);
    this.#parser().lose(side, view.timestampNs);
    return start;
  }

  end(side: Side): MysqlFrame | undefined {
    return this.#parser().end(side);
  }

  endCompletes(side: Side): boolean {
    return this.#parser().endCompletes(side);
  }

  /** Whether packets are compressed is not settled. */
  get #isOpenToDoubt(): boolean {
    const session = this.#session;
    if (session.isLoggedIn) return false;
    return (
      session.isCompressed === undefined ||
      session.asksCompression ||
      this.#agreeing < AGREEING_MESSAGES
    );
  }

  /** Both sides agreed to compress, and the client would send no command before that holds. */
  #wantsCompressed(side: Side): boolean {
    const { hasLogin, capabilities, asksCompression } = this.#session;
    return side === 'request' && hasLogin && capabilities !== undefined && asksCompression;
  }

  /** Looks at the beginning of a message; returns what is to be done when it tells nothing. */
  #decide(side: Side, view: ByteView): ParseResult<MysqlFrame> | undefined {
    const isCompressed = beginsCompressed(side, view, 0, true);
    const isPlain = !isCompressed && this.#packets.nextStart(side, view, 0, 0) === 0;
    if (isPlain && this.#wantsCompressed(side)) return notAStart;
    if (isCompressed || isPlain) {
      this.#agreeing = isCompressed === this.#session.isCompressed ? this.#agreeing + 1 : 1;
      this.#take(isCompressed, view.timestampNs);
      return undefined;
    }
    if (this.#session.isCompressed !== undefined) return undefined;
    const mayGrow = view.available < TELLING_BYTES && view.hole === 0 && !view.ended;
    // an ordinary packet that is whole says all it has to say, unless its command is half of a length
    const isWhole = HEADER_BYTES + payloadLength(view) <= view.available;
    const isHalf = side === 'request' && view.u8(HEADER_BYTES) === 0;
    return mayGrow && (!isWhole || isHalf) ? { status: 'more', atLeast: TELLING_BYTES } : notAStart;
  }

  #take(isCompressed: boolean, nowNs: number): void {
    const before = this.#session.isCompressed;
    if (isCompressed === before) return;
    this.#session.isCompressed = isCompressed;
    if (before === undefined) return;
    this.#packets.lose('request', nowNs);
    this.#packets.lose('response', nowNs);
    this.#compressed = undefined;
  }

  #parser(): PacketParser | CompressedParser {
    if (this.#session.isCompressed !== true) return this.#packets;
    return (this.#compressed ??= new CompressedParser(this.#packets));
  }
}
