// SPDX-License-Identifier: Apache-2.0
import {
  Pipeline,
  type AnyProtocol,
  type ConnectionInfo,
  type Direction,
  type PipelineStats,
  type ProcessIdentity,
  type ProtocolPlugin,
  type Role,
  type TraceRecord,
  type Verdict,
} from '@libtrace/core';
import type { Fixture, Sender } from '../fixture/fixture.js';
import { guard } from './guard.js';
import { segmentsOf, type Piece } from './segments.js';
import type { Variation } from './variation.js';

/** What playing a fixture gave. */
export interface Run {
  readonly records: readonly TraceRecord[];
  /** What core decided about the connection, in order. */
  readonly verdicts: readonly Verdict[];
  /** What the plugin threw, or did against its contract. */
  readonly failures: readonly unknown[];
  readonly stats: PipelineStats;
  /** Time at which each step began, CLOCK_MONOTONIC ns. */
  readonly stepTimes: readonly number[];
}

const processes: Readonly<Record<Role, ProcessIdentity>> = {
  client: process('client', 101),
  server: process('server', 102),
  unknown: process('unknown', 103),
};
const firstNs = 1_000_000_000;
const stepNs = 1_000_000;
const callNs = 10_000;
const junk = 0xa5;
const margin = 8;
let slab = Buffer.alloc(128 * 1024, junk);

/**
 * Plays a fixture through the pipeline of `@libtrace/core`: the same code that live tracing runs.
 * @param plugins the first one is hinted when the variation says so.
 */
export function play(
  plugins: readonly AnyProtocol[],
  fixture: Fixture,
  variation: Variation = {},
): Run {
  const records: TraceRecord[] = [];
  const verdicts: Verdict[] = [];
  const failures: unknown[] = [];
  const fail = (failure: unknown): unknown => failures.push(failure);
  const guarded = plugins.map((plugin) => guard(plugin, variation.poisonViews === true, fail));
  const pipeline = new Pipeline({
    plugins: guarded,
    source: 'recording',
    wallClockOffsetNs: 0n,
    onRecord: (record) => records.push(record),
    onVerdict: (_id, verdict) => verdicts.push(verdict),
    onPluginFailure: (_plugin, error) => fail(error),
  });
  const role = variation.role ?? 'server';
  pipeline.open(connectionOf(fixture, role, variation.start !== undefined));
  const [first] = plugins as readonly ProtocolPlugin[];
  const hint = variation.hint === true ? first?.name : undefined;
  const stepTimes = timesOf(fixture, variation.thinkMs ?? 0);
  const moved = { client: 0, server: 0 };
  let nowNs = firstNs;
  for (const piece of segmentsOf(fixture, variation)) {
    const atNs = stepTimes[piece.step]!;
    if (atNs - nowNs > 100_000_000) pipeline.tick(atNs - 1);
    nowNs = atNs;
    moved[piece.from] = piece.at + piece.length;
    if (!piece.unseen) deliver(pipeline, piece, role, moved, nowNs, hint);
  }
  nowNs += stepNs;
  if (fixture.closed) {
    const [inPosition, outPosition] = [moved[senderOf('in', role)], moved[senderOf('out', role)]];
    pipeline.close(1, inPosition, outPosition, nowNs, processes[role]);
  }
  pipeline.finish(nowNs);
  return { records, verdicts, failures, stats: pipeline.stats(), stepTimes };
}

/** Hands one piece over in memory that is overwritten afterwards, as that of the kernel's reader is. */
function deliver(
  pipeline: Pipeline,
  piece: Piece,
  role: Role,
  moved: Readonly<Record<Sender, number>>,
  nowNs: number,
  hint: string | undefined,
): void {
  const { captured, length } = piece;
  const needed = captured + 2 * margin;
  if (slab.length < needed) slab = Buffer.alloc(needed * 2, junk);
  piece.bytes.copy(slab, margin, piece.start, piece.start + captured);
  pipeline.segment(
    1,
    {
      direction: piece.from === senderOf('in', role) ? 'in' : 'out',
      position: piece.at,
      length,
      captured,
      data: slab,
      dataStart: margin,
      holeReason: captured < length ? 'limit' : undefined,
      oppositePosition: moved[piece.from === 'client' ? 'server' : 'client'],
      startNs: nowNs,
      endNs: nowNs + callNs,
      tid: processes[role].pid,
      process: processes[role],
    },
    hint,
  );
  slab.fill(junk, 0, needed);
}

/** Who sends what the traced process reads (`in`) or writes (`out`). Of an unknown role it is taken to be the server. */
export function senderOf(direction: Direction, role: Role): Sender {
  return (direction === 'in') === (role === 'client') ? 'server' : 'client';
}

/** When each step begins: a millisecond after the one before, or after a silence. */
export function timesOf(fixture: Fixture, thinkMs: number): number[] {
  let nowNs = firstNs;
  return fixture.steps.map((step, index) => {
    const turn = step.from === 'client' && fixture.steps[index - 1]?.from === 'server';
    nowNs += turn ? Math.max(stepNs, thinkMs * 1e6) : stepNs;
    return nowNs;
  });
}

/** The connection that a fixture is played on. */
export function connectionOf(fixture: Fixture, role: Role, midstream: boolean): ConnectionInfo {
  const unix = fixture.transport === 'unix';
  const server = unix
    ? { address: '/run/server.sock', port: 0 }
    : { address: '192.0.2.1', port: fixture.serverPort };
  const client = unix ? { address: '', port: 0 } : { address: '192.0.2.2', port: 49_152 };
  return {
    id: 1,
    transport: fixture.transport,
    role,
    local: role === 'client' ? client : server,
    remote: role === 'client' ? server : client,
    midstream: midstream || fixture.midstream,
  };
}

function process(comm: string, pid: number): ProcessIdentity {
  return { pid, ppid: 1, comm, exe: `/usr/bin/${comm}`, cgroup: '/' };
}
