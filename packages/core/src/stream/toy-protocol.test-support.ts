// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  Direction,
  FrameParser,
  ParseResult,
  ProcessIdentity,
  ProtocolPlugin,
  Segment,
  Side,
  TraceRecord,
} from '../plugin/index.js';
import { defineProtocol, type ByteView } from '../plugin/index.js';
import type { PipelineOptions, PipelineSource, Verdict } from './pipeline-types.js';
import { Pipeline } from './pipeline.js';

/**
 * A protocol for tests. A message is a head of 18 bytes and a body:
 * ```
 *  0   1       2            10             18
 *  +---+-------+------------+--------------+----------
 *  | ~ | Q / S | id, 8 digits | length, 8 digits | body
 *  +---+-------+------------+--------------+----------
 * ```
 * `~` stands nowhere else, so that a lost place is always found again.
 */
export interface ToyFrame {
  readonly type: string;
  readonly id: number;
  readonly length: number;
}

export const headBytes = 18;

export function toyMessage(type: 'Q' | 'S', id: number, bodyLength: number): Buffer {
  const head = `~${type}${String(id).padStart(8, '0')}${String(bodyLength).padStart(8, '0')}`;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bodyLength, 'abcdefghij')]);
}

/** `parts`: the head is a `part` and the body a second one, so that frames are built up. */
export interface ToyOptions {
  readonly name?: string;
  readonly parts?: boolean;
  readonly matching?: ProtocolPlugin<string, ToyFrame, object>['matching'];
  readonly inference?: ProtocolPlugin['inference'];
  readonly timeoutMs?: number;
  readonly endCompletes?: boolean;
  readonly onRecord?: () => void;
  readonly onParse?: (side: Side, view: ByteView) => ParseResult<ToyFrame> | undefined;
}

export function toyParser(options: ToyOptions = {}): FrameParser<ToyFrame> {
  const heads: { Q: ToyFrame | undefined; S: ToyFrame | undefined } = {
    Q: undefined,
    S: undefined,
  };
  return {
    parse(side, view) {
      const special = options.onParse?.(side, view);
      if (special !== undefined) return special;
      const key = side === 'request' ? 'Q' : 'S';
      const head = heads[key];
      if (head !== undefined) {
        heads[key] = undefined;
        return { status: 'frame', frame: head, consumed: head.length };
      }
      if (view.available > 0 && view.u8(0) !== 0x7e) return { status: 'invalid', why: 'no ~' };
      if (view.available > 1 && view.latin1(1, 2) !== key) {
        return { status: 'invalid', why: 'wrong side' };
      }
      if (view.available < headBytes) return { status: 'more', atLeast: headBytes };
      const frame: ToyFrame = {
        type: view.latin1(1, 2),
        id: Number(view.latin1(2, 10)),
        length: Number(view.latin1(10, 18)),
      };
      if (options.parts === true && frame.length > 0) {
        heads[key] = frame;
        return { status: 'part', consumed: headBytes };
      }
      return { status: 'frame', frame, consumed: headBytes + frame.length };
    },
    resync(side, view, after) {
      heads[side === 'request' ? 'Q' : 'S'] = undefined;
      return view.indexOf(0x7e, after === 'hole' ? 0 : 1);
    },
    end(side) {
      const key = side === 'request' ? 'Q' : 'S';
      const head = heads[key];
      heads[key] = undefined;
      return head;
    },
    endCompletes: () => options.endCompletes === true,
  };
}

export function toyProtocol(options: ToyOptions = {}): ProtocolPlugin<string, ToyFrame, object> {
  return defineProtocol({
    kind: 'protocol',
    apiVersion: 1,
    name: options.name ?? 'toy',
    transports: ['tcp', 'unix', 'tls'],
    inference: options.inference ?? {
      rules: [
        { says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } },
        { says: 'response', when: { kind: 'bytes', at: 0, anyOf: ['~S'] } },
      ],
    },
    matching: options.matching ?? { mode: 'in-order' },
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    createParser: () => toyParser(options),
    toRecord: ({ request, response }) => {
      options.onRecord?.();
      return {
        operation: request === undefined ? '?' : String(request.frame.id),
        status: 'ok',
        attributes: { request: request?.frame.id, response: response?.frame.id },
      };
    },
  });
}

export const testProcess: ProcessIdentity = {
  pid: 42,
  ppid: 1,
  comm: 'toyd',
  exe: '/usr/bin/toyd',
  cgroup: '/system.slice/toyd.service',
};

/** What a test does to one connection, keeping positions and time as a kernel would. */
export class TestConnection {
  readonly position = { in: 0, out: 0 };
  nowNs = 1e9;
  readonly #pipeline: PipelineSource;
  readonly id: number;

  constructor(pipeline: PipelineSource, info: ConnectionInfo) {
    this.#pipeline = pipeline;
    this.id = info.id;
    pipeline.open(info);
  }

  /** Bytes move and are seen; `captured` of them are captured. Returns the segment. */
  move(
    direction: Direction,
    data: Buffer,
    options: Partial<Segment> & { hint?: string } = {},
  ): Segment {
    const segment = this.make(direction, data, options);
    this.deliver(segment, options.hint);
    return segment;
  }

  /** Bytes move; their event is on its way, or lost. */
  make(direction: Direction, data: Buffer, options: Partial<Segment> = {}): Segment {
    this.nowNs += 1000;
    const opposite = direction === 'in' ? 'out' : 'in';
    // As in a reader's slab: other bytes before and behind.
    const slab = Buffer.concat([Buffer.from('#####'), data, Buffer.from('#####')]);
    const segment: Segment = {
      direction,
      position: this.position[direction],
      length: data.length,
      captured: data.length,
      data: slab,
      dataStart: 5,
      holeReason: undefined,
      oppositePosition: this.position[opposite],
      startNs: this.nowNs,
      endNs: this.nowNs + 100,
      tid: 43,
      process: testProcess,
      ...options,
    };
    this.position[direction] += segment.length;
    return segment;
  }

  /** Hands a segment over and poisons its memory, as a reader's slab would be reused. */
  deliver(segment: Segment, hint?: string): void {
    this.#pipeline.segment(this.id, segment, hint);
    segment.data.fill(0x7e);
  }

  close(): void {
    this.nowNs += 1000;
    this.#pipeline.close(this.id, this.position.in, this.position.out, this.nowNs, testProcess);
  }

  end(direction: Direction): void {
    this.#pipeline.end(this.id, direction, this.position[direction], this.nowNs);
  }

  tick(afterMs: number): void {
    this.nowNs += afterMs * 1e6;
    this.#pipeline.tick(this.nowNs);
  }
}

export function connectionInfo(fields: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return {
    id: 1,
    transport: 'tcp',
    role: 'server',
    local: { address: '10.0.0.1', port: 7000 },
    remote: { address: '10.0.0.2', port: 50000 },
    midstream: false,
    ...fields,
  };
}

/** A pipeline with what it said. */
export function testPipeline(
  options: Partial<PipelineOptions> & { toy?: ToyOptions; info?: Partial<ConnectionInfo> } = {},
): {
  pipeline: Pipeline;
  connection: TestConnection;
  records: TraceRecord[];
  verdicts: Verdict[];
  failures: unknown[];
} {
  const records: TraceRecord[] = [];
  const verdicts: Verdict[] = [];
  const failures: unknown[] = [];
  const pipeline = new Pipeline({
    plugins: [toyProtocol(options.toy)],
    source: 'recording',
    onRecord: (record) => records.push(record),
    onVerdict: (_, verdict) => verdicts.push(verdict),
    onPluginFailure: (_, error) => failures.push(error),
    wallClockOffsetNs: 1_700_000_000_000_000_000n,
    ...options,
  });
  const connection = new TestConnection(pipeline, connectionInfo(options.info));
  return { pipeline, connection, records, verdicts, failures };
}

/** `request/response` ids of records, with what is missing; `-` for none. */
export function pairs(records: readonly TraceRecord[]): string[] {
  return records.map(({ attributes, status, missing }) => {
    const { request, response } = attributes as { request?: number; response?: number };
    const lacks = missing.length > 0 ? ` ${status} !${missing.join(',')}` : '';
    return `${request ?? '-'}/${response ?? '-'}${lacks}`;
  });
}
