// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  Direction,
  HoleReason,
  ProcessIdentity,
  Segment,
} from '../../model/index.js';
import { containerId } from '../../model/container-id.js';
import type { PipelineSource } from '../../stream/index.js';
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
} from './format.js';
import { PayloadCursor } from './payload-cursor.js';

const nobody: ProcessIdentity = { pid: 0, ppid: 0, comm: '', exe: '', cgroup: '' };

/** One object for all segments: a segment is valid only during the call that hands it over. */
class ReplayedSegment implements Segment {
  direction: Direction = 'in';
  position = 0;
  length = 0;
  captured = 0;
  data: Buffer = Buffer.alloc(0);
  dataStart = 0;
  holeReason: HoleReason | undefined = undefined;
  oppositePosition = 0;
  startNs = 0;
  endNs = 0;
  idleMs: number | undefined = undefined;
  tid = 0;
  process: ProcessIdentity = nobody;
}

/** Makes the call of each frame. A frame that cannot be right makes none; what is wrong with it is returned. */
export class FrameReader {
  readonly #cursor = new PayloadCursor();
  readonly #segment = new ReplayedSegment();
  readonly #processes = new Map<number, ProcessIdentity>();
  readonly #open = new Set<number>();
  #connections = 0;
  #segments = 0;
  #dropped = { droppedSegments: 0, droppedBytes: 0, droppedFrames: 0 };
  #counters: RecordingCounters | undefined;
  /** The latest time that a frame told. */
  lastNs = 0;
  /** Nothing came after the last `finish`. */
  finished = false;

  counts() {
    return {
      connections: this.#connections,
      segments: this.#segments,
      ...this.#dropped,
      counters: this.#counters,
    };
  }

  /** Returns what is wrong with the frame, or undefined. */
  read(type: number, payload: Buffer, pipeline: PipelineSource): string | undefined {
    const cursor = this.#cursor;
    cursor.reset(payload);
    switch (type) {
      case frameType.segment:
        return this.#onSegment(payload, pipeline);
      case frameType.tick:
      case frameType.finish:
        return this.#onTime(type, pipeline);
      case frameType.process:
        return this.#onProcess();
      case frameType.open:
        return this.#onOpen(pipeline);
      case frameType.bind:
        return this.#onBind(pipeline);
      case frameType.role:
        return this.#onRole(pipeline);
      case frameType.end:
        return this.#onEnd(pipeline);
      case frameType.close:
        return this.#onClose(pipeline);
      case frameType.forgetProcesses:
        this.#processes.clear();
        return undefined;
      case frameType.dropped:
        return this.#onDropped();
      case frameType.counters:
        this.#counters = readCounters(payload);
        return undefined;
      default:
        return 'unknown type';
    }
  }

  #onSegment(payload: Buffer, pipeline: PipelineSource): string | undefined {
    if (payload.length < segmentHeadBytes) return 'a segment is too short';
    const cursor = this.#cursor;
    const segment = this.#segment;
    const flags = cursor.u8();
    cursor.u8();
    const connection = cursor.position();
    segment.direction = (flags & segmentFlag.out) === 0 ? 'in' : 'out';
    segment.position = cursor.position();
    segment.oppositePosition = cursor.position();
    segment.startNs = cursor.time();
    segment.endNs = cursor.time();
    segment.length = cursor.u32();
    const process = this.#processes.get(cursor.u32());
    segment.tid = cursor.u32();
    const idleMs = cursor.u32();
    segment.idleMs = (flags & segmentFlag.idle) === 0 ? undefined : idleMs;
    const hint = (flags & segmentFlag.hint) === 0 ? undefined : cursor.shortText();
    const hole = (flags & segmentFlag.holeMask) >> segmentFlag.holeShift;
    segment.holeReason = holeCodes[hole];
    segment.captured = payload.length - cursor.at;
    segment.data = payload;
    segment.dataStart = cursor.at;
    if (cursor.failed || hole >= holeCodes.length) return 'a segment has impossible values';
    if (process === undefined) return 'a segment is of a process that was not described';
    if (segment.captured > segment.length) return 'a segment holds more bytes than moved';
    if (segment.captured < segment.length && hole === 0) return 'a hole has no reason';
    segment.process = process;
    this.#segments++;
    this.#passes(segment.endNs);
    pipeline.segment(connection, segment, hint);
    return undefined;
  }

  #onTime(type: number, pipeline: PipelineSource): string | undefined {
    const nowNs = this.#cursor.time();
    if (this.#cursor.failed) return 'a time is malformed';
    this.#passes(nowNs);
    if (type === frameType.tick) {
      pipeline.tick(nowNs);
      return undefined;
    }
    this.finished = true;
    this.#open.clear();
    pipeline.finish(nowNs);
    return undefined;
  }

  #onProcess(): string | undefined {
    const cursor = this.#cursor;
    const pid = cursor.u32();
    const ppid = cursor.u32();
    const comm = cursor.longText();
    const exe = cursor.longText();
    const cgroup = cursor.longText();
    const container = containerId(cgroup);
    const identity: ProcessIdentity = {
      pid,
      ppid,
      comm,
      exe,
      cgroup,
      ...(container === undefined ? {} : { container }),
    };
    if (cursor.failed) return 'a process is malformed';
    this.#processes.set(identity.pid, identity);
    return this.#processes.size > recordingLimits.processes ? 'too many processes' : undefined;
  }

  #onOpen(pipeline: PipelineSource): string | undefined {
    const info = readConnection(this.#cursor);
    if (info === undefined) return 'a connection is malformed';
    this.#open.add(info.id);
    if (this.#open.size > recordingLimits.connections) return 'too many open connections';
    this.#connections++;
    this.finished = false;
    pipeline.open(info);
    return undefined;
  }

  #onBind(pipeline: PipelineSource): string | undefined {
    const id = this.#cursor.position();
    const carrier = readConnection(this.#cursor);
    if (carrier === undefined) return 'the carrier of a connection is malformed';
    this.finished = false;
    pipeline.bind(id, carrier);
    return undefined;
  }

  #onRole(pipeline: PipelineSource): string | undefined {
    const id = this.#cursor.position();
    const role = roleCodes[this.#cursor.u8()];
    if (this.#cursor.failed || role === undefined) return 'a role is malformed';
    this.finished = false;
    pipeline.role(id, role);
    return undefined;
  }

  #onEnd(pipeline: PipelineSource): string | undefined {
    const cursor = this.#cursor;
    const id = cursor.position();
    const direction = cursor.u8();
    const position = cursor.position();
    const timestampNs = cursor.time();
    if (cursor.failed || direction > 1) return 'an end is malformed';
    this.#passes(timestampNs);
    pipeline.end(id, direction === 1 ? 'out' : 'in', position, timestampNs);
    return undefined;
  }

  #onClose(pipeline: PipelineSource): string | undefined {
    const cursor = this.#cursor;
    const id = cursor.position();
    const inPosition = cursor.positionOrUnknown();
    const outPosition = cursor.positionOrUnknown();
    const timestampNs = cursor.time();
    const flags = cursor.u8();
    const pid = cursor.u32();
    if (cursor.failed) return 'a close is malformed';
    const process = (flags & closeFlag.process) === 0 ? undefined : this.#processes.get(pid);
    if ((flags & closeFlag.process) !== 0 && process === undefined) {
      return 'a close is by a process that was not described';
    }
    this.#open.delete(id);
    this.#passes(timestampNs);
    pipeline.close(
      id,
      inPosition,
      outPosition,
      timestampNs,
      process,
      (flags & closeFlag.broken) === 0,
    );
    return undefined;
  }

  #onDropped(): string | undefined {
    const cursor = this.#cursor;
    const dropped = {
      droppedSegments: cursor.position(),
      droppedBytes: cursor.position(),
      droppedFrames: cursor.position(),
    };
    if (cursor.failed) return 'a count of losses is malformed';
    this.#dropped = dropped;
    return undefined;
  }

  #passes(timeNs: number): void {
    if (timeNs > this.lastNs) this.lastNs = timeNs;
    this.finished = false;
  }
}

/** A connection as open and bind describe it; undefined when it cannot be one. */
function readConnection(cursor: PayloadCursor): ConnectionInfo | undefined {
  const id = cursor.position();
  const transport = transportCodes[cursor.u8()];
  const role = roleCodes[cursor.u8()];
  const flags = cursor.u8();
  const localPort = cursor.u16();
  const remotePort = cursor.u16();
  const local = { address: cursor.shortText(), port: localPort };
  const remote = { address: cursor.shortText(), port: remotePort };
  const source = (flags & connectionFlag.source) === 0 ? undefined : cursor.shortText();
  const carrier = (flags & connectionFlag.carrier) === 0 ? undefined : cursor.position();
  if (cursor.failed || transport === undefined || role === undefined) return undefined;
  const likely = likelyCodes[(flags & connectionFlag.likelyMask) >> connectionFlag.likelyShift];
  return {
    id,
    transport,
    role,
    local,
    remote,
    midstream: (flags & connectionFlag.midstream) !== 0,
    ...(likely === undefined ? {} : { likelyRequests: likely }),
    ...(source === undefined ? {} : { source }),
    ...(carrier === undefined ? {} : { carrier }),
  };
}

const counterNames = [
  'segmentsSeen',
  'bytesSeen',
  'segmentsDelivered',
  'bytesDelivered',
  'eventsLost',
  'runsMissed',
  'compatCalls',
  'connectionsForgotten',
] as const;
const lossNames = ['ring', 'ignored', 'connections', 'internal', 'covered', 'begun'] as const;

/** What the kernel side counted; what a file does not say, or says wrongly, is 0. */
function readCounters(payload: Buffer): RecordingCounters | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const lost: unknown = Reflect.get(value, 'segmentsLost');
  return {
    ...pick(value, counterNames),
    segmentsLost: pick(typeof lost === 'object' && lost !== null ? lost : {}, lossNames),
  };
}

function pick<Name extends string>(from: object, names: readonly Name[]): Record<Name, number> {
  const picked = {} as Record<Name, number>;
  for (const name of names) {
    const value: unknown = Reflect.get(from, name);
    picked[name] = typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
  }
  return picked;
}
