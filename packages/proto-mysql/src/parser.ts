// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import { CompressedParser } from './compressed-parser.js';
import { beginsCompressed, nextCompressedStart } from './compressed-start.js';
import type { MysqlFrame } from './frames.js';
import { nextPacketStart, PacketParser } from './packet-parser.js';
import { Session } from './session.js';
import type { StatementSummaries } from './statement-summary.js';

/** Bytes that tell whether packets are compressed: two headers and a command. */
const TELLING_BYTES = 12;

const notAStart: ParseResult<MysqlFrame> = { status: 'invalid', why: 'no message begins here' };

/**
 * Parser of one connection. Packets are compressed from the end of the login on when both sides said so; on a connection
 * whose login was not seen the packets themselves tell.
 */
export class MysqlParser implements FrameParser<MysqlFrame> {
  readonly #session: Session;
  readonly #packets: PacketParser;
  #compressed: CompressedParser | undefined;
  /** A message was found in packets as they are thought to be. */
  #isProven = false;

  /** @param midstream the connection is older than the tracing of it */
  constructor(midstream: boolean, summaries: StatementSummaries, maxQueryBytes: number) {
    this.#session = new Session(midstream);
    this.#packets = new PacketParser(this.#session, summaries, maxQueryBytes);
  }

  parse(side: Side, view: ByteView): ParseResult<MysqlFrame> {
    if (this.#session.isCompressed === undefined) {
      const isCompressed = beginsCompressed(side, view, 0, true);
      if (!isCompressed && nextPacketStart(side, view, 0) !== 0) {
        const isShort = view.available < TELLING_BYTES && view.hole === 0 && !view.ended;
        return isShort ? { status: 'more', atLeast: TELLING_BYTES } : notAStart;
      }
      this.#session.isCompressed = isCompressed;
    }
    const result = this.#parser().parse(side, view);
    if (result.status === 'frame' || result.status === 'frames') this.#isProven = true;
    return result;
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    if (this.#session.isLoggedIn || this.#isProven) return this.#parser().resync(side, view, after);
    // what was thought of the packets may be wrong
    const from = after === 'hole' ? 0 : 1;
    const plain = nextPacketStart(side, view, from);
    const compressed = nextCompressedStart(side, view, from);
    if (plain >= 0 || compressed >= 0) {
      this.#session.isCompressed = compressed >= 0 && (plain < 0 || compressed <= plain);
    }
    return this.#parser().resync(side, view, after);
  }

  end(side: Side): MysqlFrame | undefined {
    return this.#parser().end(side);
  }

  endCompletes(side: Side): boolean {
    return this.#parser().endCompletes(side);
  }

  #parser(): PacketParser | CompressedParser {
    if (this.#session.isCompressed !== true) return this.#packets;
    return (this.#compressed ??= new CompressedParser(this.#packets));
  }
}
