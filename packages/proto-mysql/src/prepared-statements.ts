// SPDX-License-Identifier: Apache-2.0
import type { Statement } from './frames.js';

const MAX_STATEMENTS = 1024;
const MAX_BYTES = 256 * 1024;

/** Texts of a connection's prepared statements by id: the ones used last, within a bound of count and bytes. */
export class PreparedStatements {
  readonly #byId = new Map<number, Statement>();
  #bytes = 0;

  set(id: number, statement: Statement): void {
    this.delete(id);
    this.#byId.set(id, statement);
    this.#bytes += statement.latin1.length;
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= MAX_STATEMENTS && this.#bytes <= MAX_BYTES) break;
      this.delete(oldest);
    }
  }

  /** Its text, which is now the one used last. */
  get(id: number): Statement | undefined {
    const statement = this.#byId.get(id);
    if (statement === undefined) return undefined;
    this.#byId.delete(id);
    this.#byId.set(id, statement);
    return statement;
  }

  delete(id: number): void {
    const statement = this.#byId.get(id);
    if (statement === undefined) return;
    this.#byId.delete(id);
    this.#bytes -= statement.latin1.length;
  }

  clear(): void {
    this.#byId.clear();
    this.#bytes = 0;
  }
}
