// SPDX-License-Identifier: Apache-2.0
import type { MysqlRequestFrame } from './frames.js';

const MAX_COMMANDS = 4096;
const MAX_STATEMENT_BYTES = 1024 * 1024;
/** A connection that pipelines must be quiet this long before order is trusted again after a loss. */
const RECOVER_NS = 1e9;

/**
 * The commands that wait for their responses, as far as they were seen: a response can be read only when it is known
 * what it answers. On a connection that was never seen to pipeline, that is the last command that was sent. (Core pairs
 * messages for records by itself.)
 */
export class OutstandingCommands {
  readonly #commands: MysqlRequestFrame[] = [];
  #statementBytes = 0;
  /** A response came while several commands were outstanding. */
  #pipelines = false;
  /** It is not known what the next response answers. */
  #isLost: boolean;
  #lastNs = 0;

  /** @param midstream the connection is older than the tracing of it. */
  constructor(midstream: boolean) {
    this.#isLost = midstream;
  }

  get length(): number {
    return this.#commands.length;
  }

  /** Bytes that a statement may have, of those wanted: when many are outstanding, less of each is kept. */
  allowedBytes(wanted: number): number {
    return Math.max(0, Math.min(wanted, MAX_STATEMENT_BYTES - this.#statementBytes));
  }

  /** A command that will be answered was sent. */
  push(command: MysqlRequestFrame, nowNs: number): void {
    const isInOrder = !this.#pipelines || nowNs - this.#lastNs >= RECOVER_NS;
    if (this.#isLost && isInOrder) {
      this.#clear();
      this.#isLost = false;
    }
    this.#lastNs = nowNs;
    this.#commands.push(command);
    this.#statementBytes += bytesOf(command);
    if (this.#commands.length > MAX_COMMANDS) {
      this.#pipelines = this.#isLost = true;
      this.#clear();
    }
  }

  /** What the next response answers, when that is known. */
  get next(): MysqlRequestFrame | undefined {
    return this.#isLost ? undefined : this.#commands[0];
  }

  /** A response begins. Returns what it answers, when that is known. */
  answer(nowNs: number): MysqlRequestFrame | undefined {
    const { next } = this;
    this.#lastNs = nowNs;
    if (this.#isLost) this.#clear();
    else if (this.#commands.length > 1) this.#pipelines = true;
    this.#shift();
    return next;
  }

  /** Bytes were lost that may have held responses. */
  lostResponses(): void {
    if (this.#pipelines) this.#isLost = true;
    while (this.#commands.length > 1) this.#shift();
  }

  /** Bytes were lost that may have held commands. */
  lostCommands(): void {
    this.#isLost = true;
  }

  #shift(): void {
    const oldest = this.#commands.shift();
    if (oldest !== undefined) this.#statementBytes -= bytesOf(oldest);
  }

  #clear(): void {
    this.#commands.length = 0;
    this.#statementBytes = 0;
  }
}

/** Texts of prepared statements are shared with those that are kept anyway. */
function bytesOf({ command, statement }: MysqlRequestFrame): number {
  return command.body === 'text' ? (statement?.latin1.length ?? 0) : 0;
}
