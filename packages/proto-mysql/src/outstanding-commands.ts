// SPDX-License-Identifier: Apache-2.0
import type { MysqlRequestFrame } from './frames.js';

const MAX_COMMANDS = 4096;
const MAX_STATEMENT_BYTES = 1024 * 1024;
/** A connection that pipelines must be quiet this long before order is trusted again after a loss. */
const RECOVER_NS = 1e9;

/** A command with the time at which it was sent. */
interface Sent {
  readonly command: MysqlRequestFrame;
  readonly atNs: number;
}

/**
 * The commands that wait for their responses, as far as they were seen: a response can be read only when it is known
 * what it answers. On a connection that was never seen to pipeline, that is the last command that was sent. (Core pairs
 * messages for records by itself.)
 */
export class OutstandingCommands {
  readonly #sent: Sent[] = [];
  #statementBytes = 0;
  /** A command was sent before the one before it was answered. */
  #pipelines = false;
  /** It is not known what the next response answers. */
  #isLost: boolean;
  /** No response was seen yet, and some may have passed before the protocol was recognized. */
  #isFirst: boolean;
  /** When something was sent or answered last. */
  #lastNs = 0;
  /** When the last response began of which it was not known what it answers. */
  #unknownNs = -1;

  /** @param midstream the connection is older than the tracing of it. */
  constructor(midstream: boolean) {
    this.#isLost = this.#isFirst = midstream;
  }

  get length(): number {
    return this.#sent.length;
  }

  /** Bytes that a statement may have, of those wanted: when many are outstanding, less of each is kept. */
  allowedBytes(wanted: number): number {
    return Math.max(0, Math.min(wanted, MAX_STATEMENT_BYTES - this.#statementBytes));
  }

  /** A command that will be answered began at this time. */
  push(command: MysqlRequestFrame, nowNs: number): void {
    // the end of it was lost, and the server answered before that was known
    if (nowNs < this.#unknownNs) return;
    const before = this.#sent.at(-1);
    // both in the bytes of one system call
    if (before?.atNs === nowNs) this.#pipelines = true;
    const isInOrder = !this.#pipelines || nowNs - this.#lastNs >= RECOVER_NS;
    if (this.#isLost && isInOrder) {
      this.#clear();
      this.#isLost = false;
    }
    this.#lastNs = nowNs;
    this.#sent.push({ command, atNs: nowNs });
    this.#statementBytes += bytesOf(command);
    if (this.#sent.length > MAX_COMMANDS) {
      this.#pipelines = this.#isLost = true;
      this.#clear();
    }
  }

  /** What a response that began at this time answers, when that is known: no command that was sent later. */
  answeredAt(nowNs: number): MysqlRequestFrame | undefined {
    const oldest = this.#sent[0];
    if (this.#isLost || oldest === undefined || oldest.atNs > nowNs) return undefined;
    return this.#isFirst && this.#sent.length > 1 ? undefined : oldest.command;
  }

  /** A response begins. Returns what it answers, when that is known. */
  answer(nowNs: number): MysqlRequestFrame | undefined {
    const answered = this.answeredAt(nowNs);
    const [oldest, second] = this.#sent;
    this.#lastNs = Math.max(this.#lastNs, nowNs);
    if (answered === undefined) this.#unknownNs = nowNs;
    if (oldest !== undefined && oldest.atNs > nowNs) return undefined;
    if (this.#isLost || this.#isFirst) this.#clear();
    else if (second !== undefined && second.atNs < nowNs) this.#pipelines = true;
    this.#shift();
    this.#isFirst = false;
    return answered;
  }

  /** A command followed another one directly. */
  sawPipelining(): void {
    this.#pipelines = true;
  }

  /** Bytes were lost that may have held responses. */
  lostResponses(): void {
    if (this.#pipelines) this.#isLost = true;
    while (this.#sent.length > 1) this.#shift();
  }

  /** Bytes were lost that may have held commands. */
  lostCommands(nowNs: number): void {
    this.#isLost = true;
    this.#lastNs = nowNs;
  }

  #shift(): void {
    const oldest = this.#sent.shift();
    if (oldest !== undefined) this.#statementBytes -= bytesOf(oldest.command);
  }

  #clear(): void {
    this.#sent.length = 0;
    this.#statementBytes = 0;
  }
}

/** Texts of prepared statements are shared with those that are kept anyway. */
function bytesOf({ command, statement }: MysqlRequestFrame): number {
  return command.body === 'text' ? (statement?.latin1.length ?? 0) : 0;
}
