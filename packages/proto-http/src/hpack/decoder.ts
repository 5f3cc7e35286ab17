// SPDX-License-Identifier: Apache-2.0
import { DynamicTable } from './dynamic-table.js';
import { decodeHuffman } from './huffman.js';
import { FIRST_DYNAMIC, staticTable, type TableEntry } from './static-table.js';

/** What a header block is read into. A character of a string is a byte. */
export interface FieldSink {
  /** Whether {@link field} wants fields of this name: others, if the table does not need them, are not decoded. */
  wants(name: string): boolean;
  field(name: string, value: string): void;
  /** A field whose name or value is not known, because the table entry that has it was inserted unseen. */
  unknown(): void;
}

/**
 * What {@link HpackDecoder.decode} found: a whole block, one that breaks off within a field, or one that is none. After
 * the last two the table is in doubt: {@link HpackDecoder.lose}.
 */
export type DecodeOutcome = 'whole' | 'cut' | 'malformed';

/** Larger integers (RFC 7541 §5.1) are malformed: no length or index of a header block comes near. */
const MAX_INTEGER = 2 ** 28;
/** An integer may be written with so many bytes behind the first. */
const MAX_INTEGER_BYTES = 6;

const CUT = -1;
const MALFORMED = -2;

const unknownEntry: TableEntry = { name: undefined, value: undefined };

/**
 * Decodes the header blocks of one direction of an HTTP/2 connection (RFC 7541), in their order.
 *
 * ```
 *   1 i i i i i i i               indexed field (§6.1)
 *   0 1 i i i i i i  [name] value literal field, inserted into the table (§6.2.1)
 *   0 0 1 s s s s s               limit of the table (§6.3)
 *   0 0 0 n i i i i  [name] value literal field, not inserted; n: nor by anyone else (§6.2.2, §6.2.3)
 *
 *   H l l l l l l l  length bytes  string (§5.2), Huffman-coded if H; a name that has no index (0) is one too
 * ```
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #to = 0;

  /** @param whole true when the first block of the connection will be seen */
  constructor(whole: boolean) {
    this.#table = new DynamicTable(whole);
  }

  /** Known entries of the table and their size, for tests. */
  get table(): {
    readonly length: number;
    readonly size: number;
    at(d: number): TableEntry | undefined;
  } {
    return this.#table;
  }

  /** Header blocks were missed, or may have been. */
  lose(): void {
    this.#table.lose();
  }

  /** Reads a header block, or what is there of it, in bytes `from … to`. */
  decode(buffer: Buffer, from: number, to: number, sink: FieldSink): DecodeOutcome {
    this.#buffer = buffer;
    this.#at = from;
    this.#to = to;
    while (this.#at < to) {
      const first = buffer[this.#at]!;
      let result: number;
      if ((first & 0x80) !== 0) result = this.#indexed(sink);
      else if ((first & 0x40) !== 0) result = this.#literal(6, true, sink);
      else if ((first & 0x20) !== 0) result = this.#resize();
      else result = this.#literal(4, false, sink);
      if (result === CUT) return 'cut';
      if (result === MALFORMED) return 'malformed';
    }
    return 'whole';
  }

  #indexed(sink: FieldSink): number {
    const index = this.#integer(7);
    if (index < 0) return index;
    if (index === 0) return MALFORMED;
    const { name, value } = this.#entry(index);
    if (name === undefined || value === undefined) sink.unknown();
    else if (sink.wants(name)) sink.field(name, value);
    return 0;
  }

  #literal(prefix: number, inserted: boolean, sink: FieldSink): number {
    const index = this.#integer(prefix);
    if (index < 0) return index;
    let name: string | undefined;
    if (index > 0) {
      name = this.#entry(index).name;
    } else {
      const string = this.#string(true);
      if (typeof string === 'number') return string;
      name = string;
    }
    const wanted = name !== undefined && sink.wants(name);
    const value = this.#string(wanted || inserted);
    if (typeof value === 'number') return value;
    if (name === undefined) sink.unknown();
    else if (wanted) sink.field(name, value);
    if (inserted) this.#table.insert(name, value);
    return 0;
  }

  #resize(): number {
    const size = this.#integer(5);
    if (size < 0) return size;
    this.#table.resize(size);
    return 0;
  }

  #entry(index: number): TableEntry {
    if (index < FIRST_DYNAMIC) return staticTable[index]!;
    return this.#table.at(index - FIRST_DYNAMIC) ?? unknownEntry;
  }

  /** An integer whose first `prefix` bits end the current byte (RFC 7541 §5.1). */
  #integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = this.#buffer[this.#at++]! & most;
    if (value < most) return value;
    let scale = 1;
    for (let count = 0; count < MAX_INTEGER_BYTES; count++) {
      if (this.#at === this.#to) return CUT;
      const byte = this.#buffer[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (value > MAX_INTEGER) return MALFORMED;
      if ((byte & 0x80) === 0) return value;
      scale *= 128;
    }
    return MALFORMED;
  }

  /** A string; `''` in its place when it is not wanted. */
  #string(wanted: boolean): string | typeof CUT | typeof MALFORMED {
    if (this.#at === this.#to) return CUT;
    const isHuffman = (this.#buffer[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    if (length === CUT) return CUT;
    if (length < 0) return MALFORMED;
    const from = this.#at;
    if (length > this.#to - from) return CUT;
    this.#at = from + length;
    if (!wanted) return '';
    if (!isHuffman) return this.#buffer.toString('latin1', from, this.#at);
    return decodeHuffman(this.#buffer, from, this.#at) ?? MALFORMED;
  }
}
