// SPDX-License-Identifier: Apache-2.0
// Messages written by hand, field by field as the protocol guide lists them; nothing of the package is used.

/** Writes the primitive types of the protocol guide. */
export class Wire {
  readonly #parts: Buffer[] = [];

  i8(value: number): this {
    return this.#int(value, 1);
  }

  i16(value: number): this {
    return this.#int(value, 2);
  }

  i32(value: number): this {
    return this.#int(value, 4);
  }

  i64(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    return this.raw(bytes);
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  /** UNSIGNED_VARINT. */
  varint(value: number): this {
    const bytes = [];
    let left = value;
    for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
    return this.raw(Buffer.from([...bytes, left]));
  }

  string(text: string | null): this {
    if (text === null) return this.i16(-1);
    return this.i16(Buffer.byteLength(text)).raw(Buffer.from(text));
  }

  /** COMPACT_STRING. */
  compact(text: string | null): this {
    if (text === null) return this.varint(0);
    return this.varint(Buffer.byteLength(text) + 1).raw(Buffer.from(text));
  }

  /** RECORDS. */
  records(bytes: Buffer): this {
    return this.i32(bytes.length).raw(bytes);
  }

  /** COMPACT_RECORDS. */
  compactRecords(bytes: Buffer): this {
    return this.varint(bytes.length + 1).raw(bytes);
  }

  /** Number of elements of a COMPACT_ARRAY. */
  count(elements: number): this {
    return this.varint(elements + 1);
  }

  /** No tagged fields. */
  tags(): this {
    return this.varint(0);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #int(value: number, width: number): this {
    const bytes = Buffer.alloc(width);
    bytes.writeIntBE(value, 0, width);
    return this.raw(bytes);
  }
}

/** What is in the header of a request, besides numbers. */
export interface RequestOptions {
  readonly clientId?: string | null;
  readonly flexible?: boolean;
}

/** A request with header v1, or v2 when `flexible`. */
export function request(
  apiKey: number,
  apiVersion: number,
  correlationId: number,
  body: Wire = new Wire(),
  { clientId = 'client', flexible = false }: RequestOptions = {},
): Buffer {
  const header = new Wire().i16(apiKey).i16(apiVersion).i32(correlationId).string(clientId);
  if (flexible) header.tags();
  return sized(header.raw(body.bytes).bytes);
}

/** A response with header v0, or v1 when `flexible`. */
export function response(correlationId: number, body: Wire = new Wire(), flexible = false): Buffer {
  const header = new Wire().i32(correlationId);
  if (flexible) header.tags();
  return sized(header.raw(body.bytes).bytes);
}

/** Bytes with their size in front. */
export function sized(bytes: Buffer): Buffer {
  return new Wire().i32(bytes.length).raw(bytes).bytes;
}

/** A batch of the current format (magic 2) that says to hold so many records. */
export function batch(count: number, size = 30, attributes = 0): Buffer {
  return new Wire()
    .i64(0)
    .i32(49 + size)
    .i32(0)
    .i8(2)
    .i32(0)
    .i16(attributes)
    .i32(count - 1)
    .i64(0)
    .i64(0)
    .i64(-1)
    .i16(-1)
    .i32(-1)
    .i32(count)
    .raw(Buffer.alloc(size, 0x72)).bytes;
}

/** A message of the formats before (magic 0 or 1). */
export function legacyMessage(magic: 0 | 1, value: string, attributes = 0): Buffer {
  const body = new Wire().i32(0).i8(magic).i8(attributes);
  if (magic === 1) body.i64(0);
  body.i32(-1).records(Buffer.from(value));
  return new Wire().i64(0).records(body.bytes).bytes;
}

const ids = new Map<string, Buffer>();

/** A topic id that stands for a name, and how Kafka writes it. */
export function idFor(name: string): { readonly bytes: Buffer; readonly text: string } {
  let bytes = ids.get(name);
  if (bytes === undefined) {
    bytes = Buffer.alloc(16, ids.size + 1);
    ids.set(name, bytes);
  }
  return { bytes, text: bytes.toString('base64url') };
}

/** ApiVersions v0 and its answer. */
export const apiVersions = (correlationId: number): Buffer => request(18, 0, correlationId);
export const apiVersionsAnswer = (correlationId: number, error = 0): Buffer =>
  response(correlationId, new Wire().i16(error).i32(1).i16(18).i16(0).i16(3));

/** Metadata v12 of one topic, and its answer, which tells the topic's id. */
export const metadata = (correlationId: number, topic: string): Buffer =>
  request(
    3,
    12,
    correlationId,
    new Wire().count(1).raw(Buffer.alloc(16)).compact(topic).tags().i8(1).i8(0).tags(),
    { flexible: true },
  );
export const metadataAnswer = (correlationId: number, topic: string): Buffer =>
  response(
    correlationId,
    new Wire()
      .i32(0)
      .count(1)
      .i32(1)
      .compact('broker.test')
      .i32(9092)
      .compact(null)
      .tags()
      .compact('cluster')
      .i32(1)
      .count(1)
      .i16(0)
      .compact(topic)
      .raw(idFor(topic).bytes)
      .i8(0)
      .count(1)
      .i16(0)
      .i32(0)
      .i32(1)
      .i32(0)
      .count(1)
      .i32(1)
      .count(1)
      .i32(1)
      .count(0)
      .tags()
      .i32(-2147483648)
      .tags()
      .tags(),
    true,
  );

/** Produce v7 of one batch. */
export const produce = (correlationId: number, topic: string, records: Buffer, acks = -1): Buffer =>
  request(
    0,
    7,
    correlationId,
    new Wire()
      .string(null)
      .i16(acks)
      .i32(30_000)
      .i32(1)
      .string(topic)
      .i32(1)
      .i32(3)
      .records(records),
  );
export const produceAnswer = (correlationId: number, topic: string, error = 0): Buffer =>
  response(
    correlationId,
    new Wire().i32(1).string(topic).i32(1).i32(3).i16(error).i64(17).i64(-1).i64(0).i32(0),
  );

/** Fetch v13 of partitions 0 … of topics, by their ids. */
export const fetchByIds = (
  correlationId: number,
  topics: readonly string[],
  partitions = 1,
): Buffer => {
  const body = new Wire()
    .i32(-1)
    .i32(500)
    .i32(1)
    .i32(1 << 20)
    .i8(0)
    .i32(0)
    .i32(0);
  body.count(topics.length);
  for (const topic of topics) {
    body.raw(idFor(topic).bytes).count(partitions);
    for (let p = 0; p < partitions; p++) {
      body
        .i32(p)
        .i32(-1)
        .i64(0)
        .i32(-1)
        .i64(-1)
        .i32(1 << 20)
        .tags();
    }
    body.tags();
  }
  return request(1, 13, correlationId, body.count(0).compact('').tags(), { flexible: true });
};

/** Its answer: for each topic, the records of each partition. */
export const fetchByIdsAnswer = (
  correlationId: number,
  topics: readonly (readonly [topic: string, records: readonly Buffer[]])[],
  errors: readonly number[] = [],
): Buffer => {
  const body = new Wire().i32(0).i16(0).i32(77).count(topics.length);
  let n = 0;
  for (const [topic, partitions] of topics) {
    body.raw(idFor(topic).bytes).count(partitions.length);
    partitions.forEach((records, p) => {
      body
        .i32(p)
        .i16(errors[n++] ?? 0)
        .i64(9)
        .i64(9)
        .i64(0)
        .count(0)
        .i32(-1);
      body.compactRecords(records).tags();
    });
    body.tags();
  }
  return response(correlationId, body.tags(), true);
};
