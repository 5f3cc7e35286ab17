// SPDX-License-Identifier: Apache-2.0
import type { TracerStats } from '@libtrace/core';
import { describe, expect, it } from 'vitest';
import { createColors } from '../format/colors.js';
import { sampleRecord, sampleStats } from '../testing/sample-records.js';
import { CallGroups } from './call-groups.js';
import { renderSummary } from './render-summary.js';

function render(groups: CallGroups, stats: TracerStats = sampleStats(), linesDropped = 0): string {
  const colors = createColors(false);
  return renderSummary({
    groups,
    stats,
    linesDropped,
    elapsedMs: 10_200,
    protocols: ['http'],
    colors,
  });
}

function groupsOf(...records: ReturnType<typeof sampleRecord>[]): CallGroups {
  const groups = new CallGroups();
  for (const record of records) groups.add(record);
  return groups;
}

describe('the summary', () => {
  it('groups by process, direction and operation, most calls first', () => {
    const text = render(
      groupsOf(
        sampleRecord({ operation: 'POST', status: 'server-error', durationMs: 50 }),
        ...[1, 2, 3, 4].map((durationMs) => sampleRecord({ durationMs })),
        sampleRecord({ role: 'server', process: { comm: 'nginx' }, status: 'client-error' }),
      ),
    );
    expect(text).toBe(`
6 calls in 10.2s: 1 client error, 1 server error; 468B asked, 7.2K answered

  process  operation  calls  c-err  s-err     p50     p95     p99     max
→ curl     http GET       4      0      0  2.01ms  4.00ms  4.00ms  4.00ms
→ curl     http POST      1      0      1  50.0ms  50.0ms  50.0ms  50.0ms
← nginx    http GET       1      1      0  1.23ms  1.23ms  1.23ms  1.23ms
  total                   6      1      1  2.01ms  50.0ms  50.0ms  50.0ms

nothing lost
`);
  });

  it('fits 80 columns', () => {
    const text = render(
      groupsOf(
        sampleRecord({ process: { comm: 'fifteen-letters' }, operation: 'OPTIONS' }),
        sampleRecord({ role: 'server', process: { comm: 'fifteen-letters' } }),
      ),
    );
    const widest = Math.max(...text.split('\n').map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(80);
  });

  it('cuts names, not figures, and of procedures and servers what tells least', () => {
    const call = sampleRecord({
      operation: 'com.example.shop.v1.CartService/GetCart',
      process: { pid: 0, comm: '' },
      status: 'client-error',
      connection: { server: { address: '2001:db8:1111:2222::1234:5678', port: 30_035 } },
    });
    const fitted = (columns: number | undefined): string[] =>
      renderSummary({
        groups: groupsOf(call, sampleRecord({ status: 'server-error' })),
        stats: sampleStats(),
        linesDropped: 0,
        elapsedMs: 1,
        protocols: [],
        columns,
        colors: createColors(false),
      }).split('\n');
    const narrow = fitted(undefined);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(narrow.find((line) => line.includes('30035'))).toMatch(
      /^→ \S+…\]:30035 {2}http Cart\w*… +1 +1 +0 /,
    );
    expect(fitted(160).join('\n')).toContain('http com.example.shop.v1.CartService/GetCart');
  });

  it('leaves calls without an answer out of the durations', () => {
    const text = render(
      groupsOf(
        sampleRecord({ status: 'unanswered', missing: ['response'], durationMs: 30_000 }),
        sampleRecord({ durationMs: 1 }),
      ),
    );
    expect(text).toContain('1 unanswered');
    expect(text).toMatch(/curl .* 2 +1 +1.00ms +1.00ms +1.00ms +1.00ms/);
    expect(text).toContain('incomplete: 1 record (missing response 1)');
  });

  it('names every kind of loss', () => {
    const stats = sampleStats();
    const text = render(
      groupsOf(sampleRecord()),
      {
        ...stats,
        recordsDropped: 3,
        kernel: {
          ...stats.kernel,
          eventsLost: 2,
          runsMissed: 4,
          segmentsLost: {
            ring: 1200,
            ignored: 9,
            connections: 1,
            internal: 0,
            covered: 77,
            begun: 0,
          },
        },
        pipeline: {
          ...stats.pipeline,
          holes: {
            loss: { count: 12, bytes: 4096 },
            'kernel-copy': { count: 2, bytes: 2048 },
            limit: { count: 0, bytes: 0 },
          },
        },
      },
      7,
    );
    expect(text).toContain('lost: 1,200 segments found the ring full');
    expect(text).toContain('lost: 1 segment found the connection table full');
    // Ciphertext whose plaintext was captured is no loss.
    expect(text).not.toContain('77');
    expect(text).toContain('lost: 2 open, close or process events found the ring full');
    expect(text).toContain('lost: 4 program runs skipped by the kernel');
    expect(text).toContain('lost: 3 records dropped before the output');
    expect(text).toContain('lost: 7 lines not written: the output was too slow');
    expect(text).toContain('lost: 4.0K in 12 holes left in messages by lost segments');
    expect(text).toContain('not captured: 2.0K in 2 holes moved inside the kernel');
    expect(text).not.toContain('beyond the capture limit');
    expect(text).not.toContain('nothing lost');
  });

  it('explains why nothing was seen', () => {
    const stats = sampleStats();
    expect(render(groupsOf())).toContain('none recognized as http');
    const encrypted = { ...stats, pipeline: { ...stats.pipeline, encryptedConnections: 2 } };
    expect(render(groupsOf(), encrypted)).toContain('\n2 connections stayed encrypted: ');
    const ignored = { ...stats.kernel.segmentsLost, ignored: 3 };
    const kernel = { ...stats.kernel, segmentsLost: ignored };
    expect(render(groupsOf(), { ...stats, kernel })).toContain(
      '3 segments of connections in which',
    );
    expect(render(groupsOf(), { ...encrypted, kernel })).toContain(
      '3 segments of connections that are encrypted, or in which',
    );
    const still = render(groupsOf(), { ...stats, kernel: { ...stats.kernel, segmentsSeen: 0 } });
    expect(still).toContain('No calls seen in 10.2s.');
    expect(still).toContain('moved no bytes over sockets');
    const input = { groups: groupsOf(), linesDropped: 0, elapsedMs: 1, protocols: ['http'] };
    const gate = { ...stats, kernel: { ...stats.kernel, segmentsSeen: 1 } };
    const own = { ...input, stats: gate, ownSegments: 1, colors: createColors(false) };
    expect(renderSummary(own)).toContain('moved no bytes over sockets');
  });

  it('shows the largest groups only and says how many there are', () => {
    const groups = new CallGroups(3);
    for (let index = 0; index < 20; index++) {
      groups.add(sampleRecord({ operation: `OP${index}` }));
    }
    groups.add(sampleRecord({ operation: 'OP0' }));
    expect(groups.top(10).all).toBe(4);
    expect(groups.top(10).groups.map(({ comm, calls }) => [comm, calls])).toEqual([
      ['(others)', 17],
      ['curl', 2],
      ['curl', 1],
      ['curl', 1],
    ]);
    const input = { groups, stats: sampleStats(), linesDropped: 0, elapsedMs: 1, protocols: [] };
    const text = renderSummary({ ...input, colors: createColors(false), maxRows: 2 });
    expect(text).toContain('and 2 more kinds of calls');
    expect(text).toMatch(/total +21 /);
  });
});
