// SPDX-License-Identifier: Apache-2.0
import type { ConnectionInfo, ProcessIdentity, Role, Segment } from '../../model/index.js';
import type { PipelineSource } from '../../stream/index.js';
import { ChunkQueue } from './chunk-queue.js';
import {
  closeFlag,
  connectionFlag,
  frameType,
  holeCodes,
  likelyCodes,
  recordingLimits,
  roleCodes,
  segmentFlag,
  segmentHeadBytes,
  transportCodes,
  type RecordingCounters,
  type RecordingHeader,
  type RecordingStats,
} from './format.js';
import { FrameEncoder } from './frame-encoder.js';
import { encodeHeader } from './header.js';
import type { RecordingSink } from './recording-sink.js';

/** Bytes that may wait for a slow sink before segments are dropped. */
const defaultMaxQueuedBytes = 64 * 1024 * 1024;
/** A recorder whose sink takes nothing at all keeps this many times as much of what is no segment. */
const otherFramesFactor = 1.25;

/** Options of {@link RecordingWriter}. */
export interface RecordingWriterOptions {
  /** What the file says of itself. */
  readonly header: RecordingHeader;
  /** Where the bytes go. */
  readonly sink: RecordingSink;
  /** Bytes that may wait for a slow sink before segments are dropped and counted. Default 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Called once, when the sink fails; what comes later is counted as dropped. */
  readonly onError?: (error: Error) => void;
}

/**
 * Writes everything that a source tells a pipeline as a recording. The calls return at once; the sink is written to as
 * fast as it takes, with a bounded queue before it.
 */
export class RecordingWriter implements PipelineSource {
  readonly #queue: ChunkQueue;
  readonly #encoder: FrameEncoder;
  readonly #maxQueuedBytes: number;
  /** Processes whose identity stands in the file, by pid. */
  readonly #processes = new Map<number, ProcessIdentity>();
  #encodedBytes = 0;
  #connections = 0;
  #segments = 0;
  #bytes = 0;
  #droppedSegments = 0;
  #droppedBytes = 0;
  #droppedFrames = 0;
  /** Drops that the file does not tell of yet. */
  #dropsUntold = false;
  #ended = false;

  /** Writes the header. */
  constructor(options: RecordingWriterOptions) {
    this.#maxQueuedBytes = options.maxQueuedBytes ?? defaultMaxQueuedBytes;
    this.#queue = new ChunkQueue(options.sink, options.onError);
    this.#encoder = new FrameEncoder((chunk) => this.#queue.push(chunk));
    const header = encodeHeader(options.header);
    this.#encodedBytes = header.length;
    this.#queue.push(header);
  }

  open(connection: ConnectionInfo): void {
    if (!this.#admitsFrame()) return;
    const texts = connectionTexts(connection);
    this.#encoder.begin(frameType.open, connectionBytes(connection, texts));
    this.#connection(connection, texts);
    this.#encodedBytes += this.#encoder.end();
    this.#connections++;
  }

  bind(connectionId: number, carrier: ConnectionInfo): void {
    if (!this.#admitsFrame()) return;
    const texts = connectionTexts(carrier);
    this.#encoder.begin(frameType.bind, 8 + connectionBytes(carrier, texts));
    this.#encoder.i64(connectionId);
    this.#connection(carrier, texts);
    this.#encodedBytes += this.#encoder.end();
  }

  role(connectionId: number, role: Role): void {
    if (!this.#admitsFrame()) return;
    this.#encoder.begin(frameType.role, 9);
    this.#encoder.i64(connectionId);
    this.#encoder.u8(roleCodes.indexOf(role));
    this.#encodedBytes += this.#encoder.end();
  }

  segment(connectionId: number, segment: Segment, protocolHint: string | undefined): void {
    if (!this.#admits(this.#maxQueuedBytes)) {
      this.#droppedSegments++;
      this.#droppedBytes += segment.captured;
      this.#dropsUntold = true;
      return;
    }
    this.#process(segment.process);
    const hint = protocolHint === undefined ? undefined : short(protocolHint);
    const hintBytes = hint === undefined ? 0 : 1 + hint.length;
    const captured = Math.min(
      segment.captured,
      recordingLimits.payload - segmentHeadBytes - hintBytes,
    );
    const hole = segment.holeReason ?? (captured < segment.length ? ('limit' as const) : undefined);
    const encoder = this.#encoder;
    encoder.begin(frameType.segment, segmentHeadBytes + hintBytes + captured);
    encoder.u8(
      (segment.direction === 'out' ? segmentFlag.out : 0) |
        (segment.idleMs === undefined ? 0 : segmentFlag.idle) |
        (hint === undefined ? 0 : segmentFlag.hint) |
        (holeCodes.indexOf(hole) << segmentFlag.holeShift),
    );
    encoder.u8(0);
    encoder.i64(connectionId);
    encoder.i64(segment.position);
    encoder.i64(segment.oppositePosition);
    encoder.i64(segment.startNs);
    encoder.i64(segment.endNs);
    encoder.u32(segment.length);
    encoder.u32(segment.process.pid);
    encoder.u32(segment.tid);
    encoder.u32(segment.idleMs ?? 0);
    if (hint !== undefined) {
      encoder.u8(hint.length);
      encoder.bytes(hint);
    }
    encoder.bytes(segment.data, segment.dataStart, segment.dataStart + captured);
    this.#encodedBytes += encoder.end();
    this.#segments++;
    this.#bytes += captured;
  }

  end(connectionId: number, direction: 'in' | 'out', position: number, timestampNs: number): void {
    if (!this.#admitsFrame()) return;
    const encoder = this.#encoder;
    encoder.begin(frameType.end, 25);
    encoder.i64(connectionId);
    encoder.u8(direction === 'out' ? 1 : 0);
    encoder.i64(position);
    encoder.i64(timestampNs);
    this.#encodedBytes += encoder.end();
  }

  close(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    process: ProcessIdentity | undefined,
    ended = true,
  ): void {
    if (!this.#admitsFrame()) return;
    if (process !== undefined) this.#process(process);
    const encoder = this.#encoder;
    encoder.begin(frameType.close, 37);
    encoder.i64(connectionId);
    encoder.i64(inPosition);
    encoder.i64(outPosition);
    encoder.i64(timestampNs);
    encoder.u8((process === undefined ? 0 : closeFlag.process) | (ended ? 0 : closeFlag.broken));
    encoder.u32(process?.pid ?? 0);
    this.#encodedBytes += encoder.end();
  }

  /** What was written so far goes to the sink at the latest now. */
  tick(nowNs: number): void {
    this.#time(frameType.tick, nowNs);
    this.#encoder.flush();
  }

  finish(nowNs: number): void {
    this.#time(frameType.finish, nowNs);
    this.#encoder.flush();
  }

  /** Writes what the kernel side counted. */
  counters(counters: RecordingCounters): void {
    if (!this.#admitsFrame()) return;
    const json = Buffer.from(JSON.stringify(counters), 'utf8');
    this.#encoder.begin(frameType.counters, json.length);
    this.#encoder.bytes(json);
    this.#encodedBytes += this.#encoder.end();
  }

  /** Marks the end of the recording and waits until everything was written. Nothing may be written after. */
  async complete(): Promise<void> {
    if (this.#ended) return;
    // Tells of drops, if the queue has room again.
    this.#admits(this.#maxQueuedBytes);
    this.#ended = true;
    this.#encoder.begin(frameType.endOfRecording, 8);
    this.#encoder.i64(this.#segments);
    this.#encodedBytes += this.#encoder.end();
    this.#encoder.flush();
    await this.#queue.drain();
  }

  /** What was written so far, and what could not be. */
  stats(): RecordingStats {
    return {
      fileBytes: this.#queue.writtenBytes,
      connections: this.#connections,
      segments: this.#segments,
      bytes: this.#bytes,
      droppedSegments: this.#droppedSegments,
      droppedBytes: this.#droppedBytes,
      droppedFrames: this.#droppedFrames,
    };
  }

  #connection(connection: ConnectionInfo, { local, remote, source }: ConnectionTexts): void {
    const { carrier } = connection;
    const encoder = this.#encoder;
    encoder.i64(connection.id);
    encoder.u8(transportCodes.indexOf(connection.transport));
    encoder.u8(roleCodes.indexOf(connection.role));
    encoder.u8(
      (connection.midstream ? connectionFlag.midstream : 0) |
        (likelyCodes.indexOf(connection.likelyRequests) << connectionFlag.likelyShift) |
        (source === undefined ? 0 : connectionFlag.source) |
        (carrier === undefined ? 0 : connectionFlag.carrier),
    );
    encoder.u16(connection.local.port);
    encoder.u16(connection.remote.port);
    for (const text of source === undefined ? [local, remote] : [local, remote, source]) {
      encoder.u8(text.length);
      encoder.bytes(text);
    }
    if (carrier !== undefined) encoder.i64(carrier);
  }

  #time(type: number, nowNs: number): void {
    if (!this.#admitsFrame()) return;
    this.#encoder.begin(type, 8);
    this.#encoder.i64(nowNs);
    this.#encodedBytes += this.#encoder.end();
  }

  /** A pid stands for this identity from here on. */
  #process(identity: ProcessIdentity): void {
    const known = this.#processes.get(identity.pid);
    if (known !== undefined && sameIdentity(known, identity)) return;
    if (known === undefined && this.#processes.size >= recordingLimits.processes) {
      this.#processes.clear();
      this.#encoder.begin(frameType.forgetProcesses, 0);
      this.#encodedBytes += this.#encoder.end();
    }
    this.#processes.set(identity.pid, identity);
    const texts = [identity.comm, identity.exe, identity.cgroup].map(long);
    const encoder = this.#encoder;
    encoder.begin(frameType.process, 8 + texts.reduce((sum, text) => sum + 2 + text.length, 0));
    encoder.u32(identity.pid);
    encoder.u32(identity.ppid);
    for (const text of texts) {
      encoder.u16(text.length);
      encoder.bytes(text);
    }
    this.#encodedBytes += encoder.end();
  }

  /** Whether the queue takes a frame that is no segment; counts it when not. */
  #admitsFrame(): boolean {
    if (this.#admits(this.#maxQueuedBytes * otherFramesFactor)) return true;
    this.#droppedFrames++;
    this.#dropsUntold = true;
    return false;
  }

  #admits(maxQueuedBytes: number): boolean {
    if (this.#ended || this.#queue.failed) return false;
    const waiting = this.#encodedBytes - this.#queue.writtenBytes;
    if (waiting >= maxQueuedBytes) return false;
    if (this.#dropsUntold && waiting < this.#maxQueuedBytes) this.#tellDrops();
    return true;
  }

  #tellDrops(): void {
    this.#dropsUntold = false;
    const encoder = this.#encoder;
    encoder.begin(frameType.dropped, 24);
    encoder.i64(this.#droppedSegments);
    encoder.i64(this.#droppedBytes);
    encoder.i64(this.#droppedFrames);
    this.#encodedBytes += encoder.end();
  }
}

/** The texts of a connection, as they are written. */
interface ConnectionTexts {
  readonly local: Buffer;
  readonly remote: Buffer;
  readonly source: Buffer | undefined;
}

function connectionTexts({ local, remote, source }: ConnectionInfo): ConnectionTexts {
  return {
    local: short(local.address),
    remote: short(remote.address),
    source: source === undefined ? undefined : short(source),
  };
}

/** Bytes that a connection takes in a payload. */
function connectionBytes(
  { carrier }: ConnectionInfo,
  { local, remote, source }: ConnectionTexts,
): number {
  const sourceBytes = source === undefined ? 0 : 1 + source.length;
  return 17 + local.length + remote.length + sourceBytes + (carrier === undefined ? 0 : 8);
}

function sameIdentity(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return (
    one === other ||
    (one.ppid === other.ppid &&
      one.comm === other.comm &&
      one.exe === other.exe &&
      one.cgroup === other.cgroup)
  );
}

/** At most 255 bytes of UTF-8. */
function short(text: string): Buffer {
  return cut(text, 255);
}

/** At most 65,535 bytes of UTF-8. */
function long(text: string): Buffer {
  return cut(text, 65_535);
}

function cut(text: string, most: number): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length <= most ? bytes : bytes.subarray(0, most);
}
