// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ParseResult } from '@libtrace/core/plugin';
import { type Command, commandOf, login as loginCommand } from './commands.js';
import type { MysqlFrame, MysqlRequestFrame, Statement } from './frames.js';
import { beginsLogin, isSslRequest, readChangeUser, readLogin } from './login.js';
import { HEADER_BYTES, MAX_PAYLOAD, payloadLength } from './packet-cursor.js';
import { statementAt } from './query-attributes.js';
import type { LocalInfile, Session } from './session.js';

type Result = ParseResult<MysqlFrame>;

const notACommand: Result = { status: 'invalid', why: 'no command begins here' };
/** Bytes of a login or change of user that are looked at; what is behind them (attributes) says nothing of interest. */
const MAX_LOGIN_BYTES = 1024;
/** What a client answers while it is authenticated: passwords, scrambled or encrypted. */
const MAX_AUTH_BYTES = 65_535;
const SLEEP = 0x00;
/** A replica says how far it came (semi-synchronous replication). */
const REPLICA_ACKNOWLEDGES = 0xef;
/** Names of databases and tables have at most 64 characters. */
const MAX_NAME_BYTES = 256;
/** Behind the number: statement, flags, iterations. */
const EXECUTE_HEAD_BYTES = 10;
/** MariaDB: "the statement that was prepared last". */
const LAST_PREPARED = 0xffffffff;

/** Reads what the client sends, packet by packet. */
export class RequestReader {
  readonly #session: Session;
  readonly #maxQueryBytes: number;
  /** A command of more than one packet. */
  #unfinished: MysqlRequestFrame | undefined;

  constructor(session: Session, maxQueryBytes: number) {
    this.#session = session;
    this.#maxQueryBytes = maxQueryBytes;
  }

  get isOpen(): boolean {
    return this.#unfinished !== undefined;
  }

  forget(): void {
    this.#unfinished = undefined;
    this.#session.incomplete = undefined;
  }

  /** The command in progress, as far as it is known. */
  end(): MysqlRequestFrame | undefined {
    const frame = this.#unfinished;
    this.#unfinished = undefined;
    return frame;
  }

  read(view: ByteView): Result {
    const result = this.#packet(view);
    if (result.status !== 'more') this.#session.incomplete = undefined;
    return result;
  }

  #packet(view: ByteView): Result {
    const length = payloadLength(view);
    if (view.available < HEADER_BYTES) return { status: 'more', atLeast: HEADER_BYTES };
    const consumed = HEADER_BYTES + length;
    if (this.#unfinished !== undefined) return this.#continue(length);
    const session = this.#session;
    const sequence = view.u8(3);
    const { infile } = session;
    if (infile !== undefined && view.timestampNs >= infile.sinceNs) {
      if (!infile.isAnswered || sequence !== 0) return infilePacket(session, infile, length);
      session.infile = undefined;
    }
    if (sequence === 0) return this.#command(view, length);
    if (session.isAuthenticating && length <= MAX_AUTH_BYTES) return { status: 'skip', consumed };
    return this.#login(view, length, sequence);
  }

  #continue(length: number): Result {
    const consumed = HEADER_BYTES + length;
    if (length === MAX_PAYLOAD) return { status: 'part', consumed };
    const frame = this.#unfinished!;
    this.#unfinished = undefined;
    return { status: 'frame', frame, consumed };
  }

  #login(view: ByteView, length: number, sequence: number): Result {
    const session = this.#session;
    const wanted = HEADER_BYTES + Math.min(length, MAX_LOGIN_BYTES);
    if (sequence > 2 || length < 8) return notACommand;
    if (view.available < wanted && view.hole === 0 && !view.ended) {
      return this.#waits(loginCommand, wanted);
    }
    // without 4.1 only as the first thing behind a greeting: there is little to know it by
    const isFirst = session.isGreeted && !session.hasLogin;
    if (!beginsLogin(view) && !isFirst) return notACommand;
    const consumed = HEADER_BYTES + length;
    if (isSslRequest(view)) return { status: 'switch', to: 'tls', consumed };
    const login = readLogin(view, consumed);
    session.logsIn(login);
    session.isAuthenticating = true;
    const frame = this.#frame(loginCommand, {
      user: login.user,
      namespace: login.database,
      serverVersion: session.serverVersion,
    });
    return this.#sent(view, frame, length);
  }

  #command(view: ByteView, length: number): Result {
    if (view.available <= HEADER_BYTES && length > 0) {
      return { status: 'more', atLeast: HEADER_BYTES + 1 };
    }
    const number = view.u8(HEADER_BYTES);
    // nobody sends it: where the login was not seen, this is a compressed packet
    const isUnlikely = number === SLEEP && !this.#session.isLoggedIn;
    const command = isUnlikely ? undefined : commandOf(number, length);
    if (command === undefined) {
      const isReplica = this.#session.isReplicating && number === REPLICA_ACKNOWLEDGES;
      return isReplica ? { status: 'skip', consumed: HEADER_BYTES + length } : notACommand;
    }
    const wanted = HEADER_BYTES + Math.min(length, this.#bytesWanted(command));
    if (view.available < wanted && view.hole === 0 && !view.ended) {
      return this.#waits(command, wanted);
    }
    return this.#sent(view, this.#read(view, command, length), length);
  }

  /** The server may answer before the rest is seen, when some of it is lost. */
  #waits({ shape }: Command, wanted: number): Result {
    if (shape !== 'nothing') this.#session.incomplete = shape;
    return { status: 'more', atLeast: wanted };
  }

  #bytesWanted(command: Command): number {
    switch (command.body) {
      case 'text':
        return this.#maxQueryBytes + 1;
      case 'statement':
        return EXECUTE_HEAD_BYTES;
      case 'table':
        return MAX_NAME_BYTES;
      case 'user':
        return MAX_LOGIN_BYTES;
      case 'none':
        return 1;
    }
  }

  #read(view: ByteView, command: Command, length: number): MysqlRequestFrame {
    const session = this.#session;
    const end = HEADER_BYTES + length;
    const body = HEADER_BYTES + 1;
    switch (command.body) {
      case 'text':
        return this.#withText(view, command, end);
      case 'statement':
        return this.#withStatementId(view, command, end);
      case 'table': {
        const nul = view.indexOf(0, body, end);
        return this.#frame(command, { table: nul < 0 ? undefined : view.utf8(body, nul) });
      }
      case 'user': {
        const login = readChangeUser(view, end, session.clientCapabilities ?? 0xffffffff);
        session.tookCollation(login.collation);
        session.isAuthenticating = true;
        return this.#frame(command, { user: login.user, namespace: login.database });
      }
      case 'none':
        return this.#frame(command);
    }
  }

  #withText(view: ByteView, command: Command, end: number): MysqlRequestFrame {
    const session = this.#session;
    const from =
      command.name === 'QUERY' ? statementAt(view, end, session.capabilities) : HEADER_BYTES + 1;
    if (from < 0) return this.#frame(command);
    const most = session.outstanding.allowedBytes(this.#maxQueryBytes);
    const to = Math.min(end, view.available, from + most);
    const statement: Statement = {
      latin1: view.latin1(from, to),
      cut: to < end || end === HEADER_BYTES + MAX_PAYLOAD,
      isPartial: to === view.available && to < end,
    };
    if (command.shape === 'prepare') session.lastPrepared = { statement, id: undefined };
    return this.#frame(command, { statement });
  }

  #withStatementId(view: ByteView, command: Command, end: number): MysqlRequestFrame {
    const session = this.#session;
    const at = HEADER_BYTES + 1;
    if (at + 4 > Math.min(end, view.available)) return this.#frame(command);
    const id =
      (view.u8(at) | (view.u8(at + 1) << 8) | (view.u8(at + 2) << 16) | (view.u8(at + 3) << 24)) >>>
      0;
    const shows = command.shape !== 'nothing' && command.name !== 'STMT_RESET';
    if (id === LAST_PREPARED) {
      const last = session.lastPrepared;
      return this.#frame(command, {
        statementId: last?.id,
        statement: shows ? last?.statement : undefined,
      });
    }
    if (command.name === 'STMT_CLOSE') session.prepared.delete(id);
    return this.#frame(command, {
      statementId: id,
      statement: shows ? session.prepared.get(id) : undefined,
    });
  }

  #frame(command: Command, known: Partial<MysqlRequestFrame> = {}): MysqlRequestFrame {
    const session = this.#session;
    const { sqlMode, isSettled } = session;
    return {
      kind: 'request',
      command,
      statement: undefined,
      sqlMode: isSettled ? sqlMode : { ...sqlMode, backslashEscapes: undefined },
      statementId: undefined,
      namespace: isSettled ? session.namespace : undefined,
      system: session.system,
      table: undefined,
      user: undefined,
      serverVersion: undefined,
      ...known,
    };
  }

  /** The command is known; the rest of it is stepped over. */
  #sent(view: ByteView, frame: MysqlRequestFrame, length: number): Result {
    const session = this.#session;
    const { shape } = frame.command;
    if (shape !== 'nothing') session.outstanding.push(frame, view.timestampNs);
    if (shape !== 'login') session.isAuthenticating = false;
    if (shape === 'events') session.isReplicating = true;
    const consumed = HEADER_BYTES + length;
    if (length < MAX_PAYLOAD) return { status: 'frame', frame, consumed };
    this.#unfinished = frame;
    return { status: 'part', consumed };
  }
}

/** A packet of the file that LOAD DATA LOCAL asked for; an empty one ends it. */
function infilePacket(session: Session, infile: LocalInfile, length: number): Result {
  infile.bytes += length;
  if (length === 0) {
    infile.hasEnded = true;
    session.infile = undefined;
  }
  return { status: 'skip', consumed: HEADER_BYTES + length };
}
