// SPDX-License-Identifier: Apache-2.0
import type { ConnectionInfo, Direction, Role, Segment } from '../../model/index.js';
import type { PipelineSource } from '../../stream/pipeline-types.js';
import type { CaptureInput } from './capture-input.js';
import type { PcapOptions } from './pcap-options.js';
import { PcapSource } from './pcap-source.js';
import type { PcapStats } from './pcap-stats.js';

/** What a pipeline was told of one connection. */
export class CollectedConnection {
  readonly info: ConnectionInfo;
  readonly segments: Segment[] = [];
  readonly ends: { in?: number; out?: number } = {};
  closed: { readonly in: number; readonly out: number; readonly ended: boolean } | undefined;
  #moved = { in: 0, out: 0 };

  constructor(info: ConnectionInfo) {
    this.info = info;
  }

  /** Keeps a copy; fails when positions go back or the memory is not there. */
  add(segment: Segment): void {
    const { direction, position, length, captured, data, dataStart } = segment;
    if (this.closed !== undefined) throw new Error('a segment after the close');
    if (position < this.#moved[direction]) throw new Error('positions go back');
    if (length < 1 || captured < 0 || captured > length) throw new Error('lengths cannot be');
    if (dataStart + captured > data.length) throw new Error('no such memory');
    if (captured < length !== (segment.holeReason !== undefined)) throw new Error('hole reason');
    if (!Number.isInteger(segment.startNs)) throw new Error('time is no integer');
    this.#moved[direction] = position + length;
    this.segments.push({ ...segment, data: Buffer.from(bytesOf(segment)), dataStart: 0 });
  }

  /** The bytes of a direction, each byte of a hole as `_`. */
  masked(direction: Direction): string {
    return this.text(direction).replaceAll(/\[(\d+)\]/g, (_, length) => '_'.repeat(Number(length)));
  }

  /** The bytes of a direction, holes as `[length]`. */
  text(direction: Direction): string {
    let text = '';
    let at = 0;
    for (const segment of this.segments) {
      if (segment.direction !== direction) continue;
      const { position, length, captured } = segment;
      if (position > at) text += `[${position - at}]`;
      text += bytesOf(segment).toString('latin1');
      if (captured < length) text += `[${length - captured}]`;
      at = position + length;
    }
    return text;
  }

  /** What came in which order: `<` from the client, `>` from the server. */
  get order(): string[] {
    return this.segments.map(
      (segment) => (segment.direction === 'in' ? '<' : '>') + bytesOf(segment).toString('latin1'),
    );
  }
}

function bytesOf({ data, dataStart, captured }: Segment): Buffer {
  return data.subarray(dataStart, dataStart + captured);
}

/** Remembers what a source says. */
export class Collected implements PipelineSource {
  readonly connections: CollectedConnection[] = [];
  readonly ticks: number[] = [];
  /** What came in which order, over all connections: number, direction and bytes. */
  readonly log: string[] = [];
  finished = 0;
  readonly #byId = new Map<number, CollectedConnection>();

  open(info: ConnectionInfo): void {
    if (this.#byId.has(info.id)) throw new Error('opened twice');
    const connection = new CollectedConnection(info);
    this.#byId.set(info.id, connection);
    this.connections.push(connection);
  }

  bind(): void {
    throw new Error('captures hold no plaintext of TLS');
  }

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- captures know the role at once or never
  role(_connectionId: number, _role: Role): void {
    throw new Error('no role is told later');
  }

  segment(connectionId: number, segment: Segment): void {
    this.#byId.get(connectionId)!.add(segment);
    const arrow = segment.direction === 'in' ? '<' : '>';
    this.log.push(`${connectionId}${arrow}${bytesOf(segment).toString('latin1')}`);
  }

  end(connectionId: number, direction: Direction, position: number): void {
    const connection = this.#byId.get(connectionId)!;
    if (connection.ends[direction] !== undefined) throw new Error('ended twice');
    connection.ends[direction] = position;
  }

  close(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    _timestampNs: number,
    _process: unknown,
    ended = true,
  ): void {
    const connection = this.#byId.get(connectionId)!;
    if (connection.closed !== undefined) throw new Error('closed twice');
    connection.closed = { in: inPosition, out: outPosition, ended };
  }

  tick(nowNs: number): void {
    this.ticks.push(nowNs);
  }

  finish(): void {
    this.finished++;
  }
}

/** Reads a capture. */
export async function collect(
  input: Buffer | CaptureInput,
  options?: PcapOptions,
): Promise<{ collected: Collected; stats: PcapStats; source: PcapSource }> {
  const collected = new Collected();
  const source = await PcapSource.open(Buffer.isBuffer(input) ? [input] : input, options);
  await source.run(collected);
  return { collected, stats: source.stats(), source };
}
