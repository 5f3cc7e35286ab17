// SPDX-License-Identifier: Apache-2.0
import { Capability, characterSetOf, Status } from './capabilities.js';
import type { ResponseShape } from './commands.js';
import type { MysqlRequestFrame, SqlMode, Statement } from './frames.js';
import type { Greeting } from './greeting.js';
import type { Login } from './login.js';
import { OutstandingCommands } from './outstanding-commands.js';
import { PreparedStatements } from './prepared-statements.js';

/** A file that the client sends because the server asked for it. */
export interface LocalInfile {
  /** When it was asked for: nothing that began before is part of it. */
  readonly sinceNs: number;
  /** Bytes of the file so far. */
  bytes: number;
  /** Its last packet was seen. */
  hasEnded: boolean;
  /** The server has said how it went, perhaps before the end of the file. */
  isAnswered: boolean;
}

/** What both directions of a connection have to know of each other. */
export class Session {
  readonly prepared = new PreparedStatements();
  readonly outstanding: OutstandingCommands;
  /** What the server's greeting says it is. */
  system: 'mysql' | 'mariadb' | undefined;
  serverVersion: string | undefined;
  /** Flags that both sides agreed on; undefined when greeting or login were not seen. */
  capabilities: number | undefined;
  /** Flags of the client alone; undefined when its login was not seen. */
  clientCapabilities: number | undefined;
  /** The database that is selected; undefined when that is not known, or none is. */
  namespace: string | undefined;
  sqlMode: SqlMode = { backslashEscapes: undefined, characterSet: 'other' };
  /** Definitions end without an EOF_Packet; undefined when that was not seen yet. */
  deprecatesEof: boolean | undefined;
  /** Packets are in compressed ones; undefined: the packets themselves must tell. */
  isCompressed: boolean | undefined;
  /** The login was seen, and its success: how packets look is settled. */
  isLoggedIn = false;
  /** The login, or a change of user, is going on. */
  isAuthenticating = false;
  /** The server sends its binary log. */
  isReplicating = false;
  infile: LocalInfile | undefined;
  /** What a command is answered by whose bytes have not all come yet: it may have come whole to the server. */
  incomplete: ResponseShape | undefined;
  /** A response is being read. */
  isResponding = false;
  isGreeted = false;
  /** The login was seen. */
  hasLogin = false;
  /** The statement that was prepared last, and its id once the server has told it. */
  lastPrepared: { readonly statement: Statement; id: number | undefined } | undefined;
  #serverCapabilities: number | undefined;

  /** @param midstream the connection is older than the tracing of it. */
  constructor(midstream: boolean) {
    this.outstanding = new OutstandingCommands(midstream);
    this.isCompressed = midstream ? undefined : false;
  }

  greeted(greeting: Greeting): void {
    this.isGreeted = true;
    this.system = greeting.system;
    this.serverVersion = greeting.serverVersion;
    this.#serverCapabilities = greeting.capabilities === 0 ? undefined : greeting.capabilities;
    if (greeting.statusFlags !== undefined) this.tookStatus(greeting.statusFlags);
  }

  /** A client asks to be let in. */
  logsIn(login: Login): void {
    const server = this.#serverCapabilities;
    const client = login.capabilities;
    this.clientCapabilities = client;
    this.hasLogin = true;
    if (server !== undefined && client !== undefined) {
      this.capabilities = (client & server) >>> 0;
      this.deprecatesEof = (this.capabilities & Capability.DEPRECATE_EOF) !== 0;
    } else if (client !== undefined && (client & Capability.DEPRECATE_EOF) === 0) {
      // Above TLS the greeting was sent before: what the client did not ask for is not spoken, whatever the server can.
      this.deprecatesEof = false;
    }
    this.tookCollation(login.collation);
  }

  /** The client offers to compress packets, as far as its login was seen, and the server is not known to refuse. */
  get asksCompression(): boolean {
    return asksCompression(this.capabilities ?? this.clientCapabilities ?? 0);
  }

  /** The login may have been lost: it is not known any more whether packets are compressed. */
  doubtCompression(): void {
    const isPlain = this.clientCapabilities !== undefined && !this.asksCompression;
    if (!this.isLoggedIn && !isPlain && this.isCompressed === false) this.isCompressed = undefined;
  }

  /** A login or a change of user succeeded. */
  loggedIn(request: MysqlRequestFrame): void {
    if (request.command.name === 'LOGIN') {
      // what the server agreed to is not known without its greeting
      const isPlain = this.clientCapabilities !== undefined && !this.asksCompression;
      this.isCompressed = isPlain ? false : this.capabilities === undefined ? undefined : true;
      this.isLoggedIn = this.isCompressed !== undefined;
    }
    this.namespace = request.namespace;
    this.forgetStatements();
  }

  /** Takes note of the server's status flags. */
  tookStatus(flags: number): void {
    const backslashEscapes = (flags & Status.NO_BACKSLASH_ESCAPES) === 0;
    if (backslashEscapes === this.sqlMode.backslashEscapes) return;
    this.sqlMode = { ...this.sqlMode, backslashEscapes };
  }

  tookCollation(collation: number): void {
    const characterSet = characterSetOf(collation);
    if (collation === 0 || characterSet === this.sqlMode.characterSet) return;
    this.sqlMode = { ...this.sqlMode, characterSet };
  }

  /**
   * Bytes of the server were lost that may have held responses: one may have said that another database is selected, or
   * how strings are read now.
   */
  lostResponses(): void {
    this.outstanding.lostResponses();
    if (this.infile !== undefined) this.infile.isAnswered = true;
    this.#forgetModes();
  }

  /** Bytes of the client were lost that may have held commands. */
  lostCommands(nowNs: number): void {
    this.outstanding.lostCommands(nowNs);
    this.infile = undefined;
    this.isAuthenticating = false;
    this.lastPrepared = undefined;
    this.#forgetModes();
  }

  /** A response was not seen whole that may have said how strings are read now. */
  forgetSqlMode(): void {
    this.sqlMode = { ...this.sqlMode, backslashEscapes: undefined };
  }

  #forgetModes(): void {
    this.namespace = undefined;
    this.forgetSqlMode();
  }

  /** Everything was answered: what is known of the session holds for the command that is sent now. */
  get isSettled(): boolean {
    return this.outstanding.length === 0 && !this.isResponding;
  }

  forgetStatements(): void {
    this.prepared.clear();
    this.lastPrepared = undefined;
  }
}

function asksCompression(capabilities: number): boolean {
  return (capabilities & (Capability.COMPRESS | Capability.ZSTD_COMPRESSION)) !== 0;
}
