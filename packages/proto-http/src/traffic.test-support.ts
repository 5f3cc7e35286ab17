// SPDX-License-Identifier: Apache-2.0
// Real clients and servers talk through a proxy that notes what moves; the notes are then read by a real pipeline.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Pipeline, type PipelineStats, type TraceRecord } from '@libtrace/core';
import type { Direction, ProcessIdentity, Role } from '@libtrace/core/plugin';
import { http, type HttpAttributes, type HttpOptions } from './index.js';

export type HttpRecord = TraceRecord<'http', HttpAttributes>;

/** What moved on one connection, in order. */
export interface Conversation {
  readonly moves: { readonly from: 'client' | 'server'; readonly bytes: Buffer }[];
}

/** A proxy before a server on a local port. */
export class Tee {
  readonly conversations: Conversation[] = [];
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async before(port: number): Promise<Tee> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tee = new Tee(server);
    server.on('connection', (client) => tee.#join(client, port));
    return tee;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(client: Socket, port: number): void {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const conversation: Conversation = { moves: [] };
    this.conversations.push(conversation);
    for (const [from, source, sink] of [
      ['client', client, upstream],
      ['server', upstream, client],
    ] as const) {
      this.#sockets.add(source);
      source.setNoDelay(true);
      source.on('data', (bytes) => {
        conversation.moves.push({ from, bytes });
        sink.write(bytes);
      });
      source.on('end', () => sink.end());
      source.on('error', () => sink.destroy());
      source.on('close', () => this.#sockets.delete(source));
    }
  }
}

/** How a conversation is replayed. */
export interface Replay {
  /** Whose side is traced. Default `server`. */
  readonly role?: Role;
  /** Bytes per segment: at most so many, each time another number. Default: as they moved. */
  readonly chunks?: number;
  readonly seed?: number;
  /** Moves before this one were not seen, nor the first bytes of it: the connection is joined there. */
  readonly joinAt?: { readonly move: number; readonly offset: number };
  /** Bytes of one move that are not captured. */
  readonly hole?: { readonly move: number; readonly from: number; readonly to: number };
  /** Moves of the server are seen before those of the client that caused them, now and then. */
  readonly disordered?: boolean;
  /** False: tracing ends while the connection is open. Default true. */
  readonly closes?: boolean;
  readonly options?: HttpOptions;
}

const process: ProcessIdentity = { pid: 1, ppid: 0, comm: 'web', exe: '/web', cgroup: '/' };

/** Records of a conversation, and what the pipeline counted. */
export function replay(
  conversation: Conversation,
  how: Replay = {},
): { readonly records: HttpRecord[]; readonly stats: PipelineStats } {
  const records: HttpRecord[] = [];
  const pipeline = new Pipeline({
    plugins: [http(how.options)],
    source: 'recording',
    onRecord: (record) => records.push(record as unknown as HttpRecord),
    onPluginFailure: (_, error) => {
      throw error;
    },
    wallClockOffsetNs: 0n,
  });
  const role = how.role ?? 'server';
  pipeline.open({
    id: 1,
    transport: 'tcp',
    role,
    local: { address: '127.0.0.1', port: role === 'client' ? 40_000 : 8080 },
    remote: { address: '127.0.0.1', port: role === 'client' ? 8080 : 40_000 },
    midstream: how.joinAt !== undefined,
  });
  const positions = { in: 0, out: 0 };
  let now = 1e9;
  for (const { from, bytes, captured, position, opposite } of segments(conversation, how)) {
    const direction: Direction = (from === 'client') === (role !== 'client') ? 'in' : 'out';
    positions[direction] = position + bytes.length;
    const data = Buffer.concat([Buffer.from('\0\0'), bytes, Buffer.from('\0\0')]);
    now += 1e5;
    pipeline.segment(
      1,
      {
        direction,
        position,
        length: bytes.length,
        captured,
        data,
        dataStart: 2,
        holeReason: captured < bytes.length ? 'limit' : undefined,
        oppositePosition: opposite,
        startNs: now,
        endNs: now + 1000,
        tid: 1,
        process,
      },
      undefined,
    );
    data.fill(0xdd);
  }
  pipeline.tick(now + 1e8);
  if (how.closes !== false) pipeline.close(1, positions.in, positions.out, now, process);
  const stats = pipeline.stats();
  pipeline.finish(now);
  return { records, stats };
}

interface Piece {
  readonly from: 'client' | 'server';
  readonly bytes: Buffer;
  readonly captured: number;
  readonly position: number;
  readonly opposite: number;
}

function segments({ moves }: Conversation, how: Replay): Piece[] {
  const random = randomNumbers(how.seed ?? 1);
  const pieces: Piece[] = [];
  const positions = { client: 0, server: 0 };
  moves.forEach(({ from, bytes }, index) => {
    const other = from === 'client' ? 'server' : 'client';
    let at = 0;
    if (how.joinAt !== undefined) {
      if (index < how.joinAt.move) at = bytes.length;
      else if (index === how.joinAt.move) at = Math.min(how.joinAt.offset, bytes.length);
      positions[from] += at;
    }
    const hole = how.hole?.move === index ? how.hole : { from: bytes.length, to: bytes.length };
    while (at < bytes.length) {
      const size = how.chunks === undefined ? bytes.length : 1 + Math.floor(random() * how.chunks);
      // a segment is captured from its beginning on: it ends where its hole does
      const holds = at < hole.to && at + size > hole.from;
      const end = holds ? hole.to : at + size;
      const piece = bytes.subarray(at, Math.min(bytes.length, end));
      const captured = Math.max(0, Math.min(piece.length, hole.from - at));
      pieces.push({
        from,
        bytes: piece,
        captured: at >= hole.to ? piece.length : captured,
        position: positions[from],
        opposite: positions[other],
      });
      positions[from] += piece.length;
      at += piece.length;
    }
  });
  if (how.disordered === true) disorder(pieces, random);
  return pieces;
}

/** Swaps neighbours of different directions, as when a write is reported after the read that answers it. */
function disorder(pieces: Piece[], random: () => number): void {
  for (let i = 0; i + 1 < pieces.length; i++) {
    const [one, other] = [pieces[i]!, pieces[i + 1]!];
    if (one.from === 'client' && other.from === 'server' && random() < 0.5) {
      pieces[i] = other;
      pieces[i + 1] = one;
      i++;
    }
  }
}

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
