// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import type { ConnectionInfo, ProcessIdentity, Segment } from '../../model/index.js';
import type { PipelineSource } from '../../stream/index.js';
import { holeCodes, roleCodes, transportCodes } from './format.js';
import { newHeader } from './header.js';
import { LibtraceError } from '../../errors.js';
import { RecordingDecoder } from './recording-decoder.js';
import type { RecordingSink } from './recording-sink.js';
import { RecordingWriter, type RecordingWriterOptions } from './recording-writer.js';

/** One call of a {@link PipelineSource}, with all that it was given, copied. */
export type Call =
  | readonly ['open', ConnectionInfo]
  | readonly ['bind', number, ConnectionInfo]
  | readonly ['role', number, ConnectionInfo['role']]
  | readonly ['segment', number, Omit<Segment, 'dataStart'>, string | undefined]
  | readonly ['end', number, 'in' | 'out', number, number]
  | readonly ['close', number, number, number, number, ProcessIdentity | undefined, boolean]
  | readonly ['tick', number]
  | readonly ['finish', number];

/** Keeps the calls that are made of it. */
export class CallLog implements PipelineSource {
  readonly calls: Call[] = [];

  open(connection: ConnectionInfo): void {
    this.calls.push(['open', structuredClone(connection)]);
  }

  bind(id: number, carrier: ConnectionInfo): void {
    this.calls.push(['bind', id, structuredClone(carrier)]);
  }

  role(id: number, role: ConnectionInfo['role']): void {
    this.calls.push(['role', id, role]);
  }

  segment(id: number, segment: Segment, hint: string | undefined): void {
    const { data, dataStart, ...rest } = segment;
    const bytes = Buffer.from(data.subarray(dataStart, dataStart + segment.captured));
    this.calls.push(['segment', id, { ...rest, data: bytes }, hint]);
  }

  end(id: number, direction: 'in' | 'out', position: number, timestampNs: number): void {
    this.calls.push(['end', id, direction, position, timestampNs]);
  }

  close(
    id: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    process: ProcessIdentity | undefined,
    ended = true,
  ): void {
    this.calls.push(['close', id, inPosition, outPosition, timestampNs, process, ended]);
  }

  tick(nowNs: number): void {
    this.calls.push(['tick', nowNs]);
  }

  finish(nowNs: number): void {
    this.calls.push(['finish', nowNs]);
  }
}

/** Makes a call of a target. The bytes of a segment lie in the middle of others. */
export function make(call: Call, target: PipelineSource): void {
  switch (call[0]) {
    case 'open':
      target.open(call[1]);
      break;
    case 'bind':
      target.bind(call[1], call[2]);
      break;
    case 'role':
      target.role(call[1], call[2]);
      break;
    case 'segment': {
      const data = Buffer.concat([Buffer.from('##'), call[2].data, Buffer.from('###')]);
      target.segment(call[1], { ...call[2], data, dataStart: 2 }, call[3]);
      data.fill(0x21);
      break;
    }
    case 'end':
      target.end(call[1], call[2], call[3], call[4]);
      break;
    case 'close':
      target.close(call[1], call[2], call[3], call[4], call[5], call[6]);
      break;
    case 'tick':
      target.tick(call[1]);
      break;
    case 'finish':
      target.finish(call[1]);
      break;
  }
}

/** A sink in memory. */
export class MemoryRecording implements RecordingSink {
  readonly chunks: Buffer[] = [];
  /** Awaited by every write. */
  gate: Promise<void> | undefined;
  /** Thrown by the next write. */
  error: Error | undefined;

  async write(bytes: Buffer): Promise<void> {
    await this.gate;
    if (this.error !== undefined) throw this.error;
    this.chunks.push(bytes);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** A writer into memory. */
export function testWriter(options: Partial<RecordingWriterOptions> = {}): {
  writer: RecordingWriter;
  sink: MemoryRecording;
} {
  const sink = new MemoryRecording();
  const header = newHeader({ wallClockOffsetNs: 1_700_000_000_123_456_789n });
  return { writer: new RecordingWriter({ header, sink, ...options }), sink };
}

/** The file that these calls make. */
export async function recordingOf(calls: readonly Call[]): Promise<Buffer> {
  const { writer, sink } = testWriter();
  for (const call of calls) make(call, writer);
  await writer.complete();
  return sink.bytes;
}

const bytes63 = fc.oneof(fc.nat(5), fc.maxSafeNat());
const u32 = fc.oneof(fc.nat(5), fc.nat(2 ** 32 - 1));
/** Nanoseconds since boot; beyond 104 days a number is not exact, but it is the same number. */
const timeNs = fc.oneof(fc.maxSafeNat(), fc.constant(Number(2n ** 61n + 4096n)));
const text = (maxBytes: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => Buffer.byteLength(s) <= maxBytes);
const port = fc.nat(65_535);
const endpoint = fc.record({ address: text(255), port });

const processes: fc.Arbitrary<ProcessIdentity> = fc.record({
  // Few, so that identities of a pid change.
  pid: fc.oneof(fc.nat(3), u32),
  ppid: u32,
  comm: text(255),
  exe: text(4096),
  cgroup: text(4096),
});

const connections: fc.Arbitrary<ConnectionInfo> = fc.record(
  {
    id: bytes63,
    transport: fc.constantFrom(...transportCodes),
    role: fc.constantFrom(...roleCodes),
    local: endpoint,
    remote: endpoint,
    midstream: fc.boolean(),
    likelyRequests: fc.constantFrom('in' as const, 'out' as const),
    source: text(255),
    carrier: bytes63,
  },
  { requiredKeys: ['id', 'transport', 'role', 'local', 'remote', 'midstream'] },
);

const segments = fc
  .record({
    data: fc.uint8Array({ maxLength: 300 }),
    beyond: fc.oneof(fc.constant(0), fc.nat(2 ** 31)),
    reason: fc.constantFrom(...holeCodes.slice(1)),
    direction: fc.constantFrom('in' as const, 'out' as const),
    position: bytes63,
    oppositePosition: bytes63,
    startNs: timeNs,
    endNs: timeNs,
    idleMs: fc.option(u32, { nil: undefined }),
    tid: u32,
    process: processes,
  })
  .map(({ data, beyond, reason, ...rest }) => ({
    ...rest,
    data: Buffer.from(data),
    captured: data.length,
    length: data.length + beyond,
    holeReason: beyond > 0 ? reason : undefined,
  }));

/** Any call that a source may make. */
export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  connections.map((connection): Call => ['open', connection]),
  fc.tuple(fc.constant('bind' as const), bytes63, connections),
  fc.tuple(fc.constant('role' as const), bytes63, fc.constantFrom(...roleCodes)),
  fc.tuple(
    fc.constant('segment' as const),
    bytes63,
    segments,
    fc.option(text(255), { nil: undefined }),
  ),
  fc.tuple(
    fc.constant('end' as const),
    bytes63,
    fc.constantFrom('in' as const, 'out' as const),
    bytes63,
    timeNs,
  ),
  fc.tuple(
    fc.constant('close' as const),
    bytes63,
    fc.oneof(fc.constant(-1), bytes63),
    fc.oneof(fc.constant(-1), bytes63),
    timeNs,
    fc.option(processes, { nil: undefined }),
    fc.boolean(),
  ),
  fc.tuple(fc.constant('tick' as const), timeNs),
  fc.tuple(fc.constant('finish' as const), timeNs),
);

/** Reads a file in pieces of these sizes, the last one again and again. */
export function replay(file: Buffer, ...sizes: readonly number[]) {
  const decoder = new RecordingDecoder();
  const log = new CallLog();
  let failure: LibtraceError | undefined;
  try {
    for (let at = 0, piece = 0; at < file.length; piece++) {
      const size = sizes[Math.min(piece, sizes.length - 1)] ?? file.length;
      decoder.push(file.subarray(at, at + size), log);
      at += size;
    }
    if (decoder.header === undefined) throw decoder.noHeader();
  } catch (error) {
    if (!(error instanceof LibtraceError)) throw error;
    failure = error;
  }
  const before = log.calls.length;
  if (decoder.header !== undefined) decoder.end(log);
  return { calls: log.calls, before, decoder, failure, summary: decoder.summary() };
}

/** A short conversation. */
export const sample: readonly Call[] = [
  [
    'open',
    {
      id: 7,
      transport: 'tcp',
      role: 'client',
      local: { address: '127.0.0.1', port: 40_000 },
      remote: { address: '127.0.0.1', port: 80 },
      midstream: false,
    },
  ],
  ...Array.from({ length: 3 }, (_, i): Call => [
    'segment',
    7,
    {
      direction: 'out',
      position: i * 5,
      length: 5,
      captured: 5,
      data: Buffer.from('hello'),
      holeReason: undefined,
      oppositePosition: 0,
      startNs: 1000 + i,
      endNs: 1001 + i,
      idleMs: 3,
      tid: 12,
      process: { pid: 11, ppid: 1, comm: 'curl', exe: '/usr/bin/curl', cgroup: '/' },
    },
    'http',
  ]),
  ['tick', 2000],
  ['close', 7, 0, 15, 3000, undefined, true],
  ['finish', 4000],
];
