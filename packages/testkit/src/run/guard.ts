// SPDX-License-Identifier: Apache-2.0
import { ByteView, type AnyProtocol, type ConnectionInfo, type Side } from '@libtrace/core';
import { checkResult } from './check-result.js';

/** A plugin did what its contract forbids and core does not notice. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';
}

/** What lies before and behind the bytes of a view: of others, in real memory. */
const margin = 16;
const junk = 0xa5;
/** Behind a view lies what a parser that looks there would like to find. */
const bait = Buffer.from('\n\r\n\0\0\0\0\n:1\r\n\xff\xff\n\n', 'latin1');

interface Parser {
  parse(side: Side, view: ByteView): unknown;
  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number;
  end?(side: Side): unknown;
  endCompletes?(side: Side): boolean;
}

/**
 * A plugin whose every call is looked at: results that the contract forbids are told to `onViolation`; with
 * `poisonViews`, each call gets a view over memory of its own that is overwritten when the call returns.
 */
export function guard(
  plugin: AnyProtocol,
  poisonViews: boolean,
  onViolation: (violation: ContractViolation) => void,
): AnyProtocol {
  const violated = (what: string): void => onViolation(new ContractViolation(what));
  const matching = plugin.matching as {
    readonly mode: string;
    key?(frame: unknown): unknown;
    oneWay?(frame: unknown): unknown;
  };
  return {
    ...plugin,
    matching:
      matching.mode === 'by-key'
        ? { ...matching, key: (frame: unknown) => checkKey(matching.key?.(frame), violated) }
        : plugin.matching,
    createParser: (connection: ConnectionInfo) => {
      const parser = plugin.createParser(connection) as Parser;
      return new GuardedParser(parser, poisonViews, violated);
    },
    toRecord: (exchange: unknown, connection: ConnectionInfo) => {
      const toRecord = (): unknown => plugin.toRecord(exchange as never, connection);
      const result = toRecord();
      return checkResult(result, toRecord, plugin, violated) as never;
    },
  } as AnyProtocol;
}

function checkKey(key: unknown, violated: (what: string) => void): number | string {
  if (typeof key !== 'string' && (typeof key !== 'number' || Number.isNaN(key))) {
    violated(`matching.key returned ${String(key)}: it must be a number or a string`);
  }
  return key as number | string;
}

class GuardedParser {
  readonly #parser: Parser;
  readonly #poison: boolean;
  readonly #violated: (what: string) => void;
  readonly #view = new ByteView();
  #memory = Buffer.alloc(0);

  constructor(parser: Parser, poison: boolean, violated: (what: string) => void) {
    this.#parser = parser;
    this.#poison = poison;
    this.#violated = violated;
  }

  parse(side: Side, view: ByteView): unknown {
    return this.#call(view, (own) => this.#parser.parse(side, own), 'parse');
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    const { available } = view;
    const offset = this.#call(view, (own) => this.#parser.resync(side, own, after), 'resync');
    const least = after === 'hole' ? 0 : 1;
    if (offset !== -1 && !(Number.isInteger(offset) && offset >= least && offset < available)) {
      this.#violated(
        `resync(${side}, ${available} bytes, '${after}') returned ${String(offset)}: ` +
          `it must be -1 or an offset from ${least} to ${available - 1}`,
      );
    }
    return offset;
  }

  end(side: Side): unknown {
    return this.#parser.end?.(side);
  }

  endCompletes(side: Side): boolean {
    return this.#parser.endCompletes?.(side) ?? true;
  }

  #call<T>(view: ByteView, call: (view: ByteView) => T, name: string): T {
    if (!this.#poison) return call(view);
    const { available, buffer, start } = view;
    const needed = available + 2 * margin;
    if (this.#memory.length < needed) this.#memory = Buffer.alloc(needed * 2, junk);
    const memory = this.#memory;
    buffer.copy(memory, margin, start, start + available);
    bait.copy(memory, margin + available);
    this.#view.reset(memory, margin, available, view.hole, view.ended, view.timestampNs);
    try {
      const result = call(this.#view);
      if (this.#view.available !== available || this.#view.start !== margin) {
        this.#violated(`${name} changed the view it was given`);
      } else if (
        memory.compare(buffer, start, start + available, margin, margin + available) !== 0 ||
        memory.compare(bait, 0, margin, margin + available, needed) !== 0 ||
        memory.subarray(0, margin).some((byte) => byte !== junk)
      ) {
        this.#violated(`${name} wrote into the memory of its view`);
      }
      return result;
    } finally {
      memory.fill(junk, 0, needed);
      this.#view.reset(memory, margin, 0, 0, false, 0);
    }
  }
}
