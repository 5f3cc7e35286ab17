// SPDX-License-Identifier: Apache-2.0
import type { PcapStats, ReaderStats } from '@libtrace/core';
import { describe, expect, it } from 'vitest';
import { createColors } from '../format/colors.js';
import { sampleRecord, sampleStats } from '../testing/sample-records.js';
import { CallGroups } from './call-groups.js';
import { describeFileLosses } from './file-losses.js';
import { renderFileSummary } from './render-summary.js';

const { kernel, pipeline } = sampleStats();

const clean: ReaderStats = {
  format: 'pcap',
  truncated: false,
  damaged: false,
  pipeline: { ...pipeline, connections: 5 },
  details: undefined,
};

const packets: PcapStats = {
  format: 'pcap',
  packets: 1000,
  bytes: 100_000,
  leftOut: {},
  truncated: false,
  invalidTimes: 0,
  tcp: {
    packets: 900,
    connections: 5,
    bytes: 50_000,
    duplicateBytes: 10,
    lostBytes: 0,
    cutBytes: 0,
    strayPackets: 0,
    evictedConnections: 0,
  },
  udp: {
    datagrams: 0,
    conversations: 0,
    bytes: 0,
    cutBytes: 0,
    duplicates: 0,
    evictedConversations: 0,
  },
};

function recording(changes: object = {}): ReaderStats['details'] {
  return {
    kind: 'recording',
    header: {
      libtrace: '0.1.0',
      created: '',
      machine: { hostname: 'h', arch: 'x64', platform: 'linux', release: '6' },
      source: 'syscall',
      wallClockOffsetNs: 0n,
      capture: {},
      command: undefined,
    },
    summary: {
      complete: true,
      unreadBytes: 0,
      frames: 1,
      connections: 5,
      segments: 1,
      unknownFrames: 0,
      droppedSegments: 0,
      droppedBytes: 0,
      droppedFrames: 0,
      counters: undefined,
      ...changes,
    },
  };
}

describe('what the summary of a file says', () => {
  it('says nothing when all was understood', () => {
    expect(describeFileLosses(clean, ['http'])).toEqual({
      lost: [],
      notCaptured: [],
      notUnderstood: [],
    });
    const all = { ...clean, details: { kind: 'packets', packets } } as const;
    expect(describeFileLosses(all, ['http']).notUnderstood).toEqual([]);
  });

  it('counts connections that were not recognized or are encrypted', () => {
    const stats = {
      ...clean,
      pipeline: { ...clean.pipeline, unrecognizedConnections: 2, encryptedConnections: 1 },
    };
    expect(describeFileLosses(stats, ['http', 'mysql']).notUnderstood).toEqual([
      '2 of 5 connections: not recognized as http, mysql',
      '1 of 5 connections: encrypted (TLS)',
    ]);
    const tls = { ...clean.pipeline, plaintextConnections: 4, unboundConnections: 1 };
    expect(describeFileLosses({ ...clean, pipeline: tls }, ['http']).notUnderstood).toEqual([
      '1 of 4 TLS connections is shown without addresses: its socket was not found',
    ]);
  });

  it('counts packets by reason', () => {
    const some: PcapStats = {
      ...packets,
      leftOut: {
        'not-ip': { packets: 20, bytes: 1 },
        malformed: { packets: 3, bytes: 1 },
        'link-type': { packets: 0, bytes: 0 },
      },
      invalidTimes: 1,
      tcp: {
        ...packets.tcp,
        strayPackets: 2,
        lostBytes: 4096,
        cutBytes: 1000,
        evictedConnections: 1,
      },
      udp: { ...packets.udp, cutBytes: 24 },
    };
    const said = describeFileLosses({ ...clean, details: { kind: 'packets', packets: some } }, []);
    expect(said.notUnderstood).toEqual([
      '20 of 1,000 packets: not IP',
      '3 of 1,000 packets: with headers that cannot be read',
      '2 of 1,000 packets: outside of every TCP window',
      '1 of 1,000 packets: time stamps that cannot be',
    ]);
    expect(said.lost).toEqual([
      '4.0K of TCP that are not in the capture',
      '1 connection forgotten: too many at once',
    ]);
    expect(said.notCaptured).toEqual(['1.0K beyond the snap length of the capture']);
  });

  it('says what a recorder lost, in the kernel and on its disk', () => {
    const details = recording({
      droppedSegments: 3,
      droppedBytes: 2048,
      droppedFrames: 1,
      unknownFrames: 4,
      counters: { ...kernel, segmentsLost: { ...kernel.segmentsLost, ring: 9, ignored: 2 } },
    });
    const said = describeFileLosses({ ...clean, details }, []);
    expect(said.lost).toEqual([
      '9 segments found the ring full',
      '3 segments with 2.0K: the disk was too slow',
      '1 other event: the disk was too slow',
      '4 frames of a newer libtrace',
    ]);
    expect(said.notCaptured).toHaveLength(1);
  });

  it('says that the end is missing', () => {
    const cut = { ...clean, truncated: true, details: recording({ unreadBytes: 17 }) };
    expect(describeFileLosses(cut, []).lost).toEqual([
      'the end of the file is missing: it was cut off (its last 17 bytes are part of something)',
    ]);
  });

  it('does not say that nothing is lost of a damaged file', () => {
    expect(describeFileLosses({ ...clean, damaged: true }, []).lost).toEqual([
      'everything behind the damage in the file',
    ]);
  });

  it('stands below the calls', () => {
    const groups = new CallGroups();
    groups.add(sampleRecord({ process: { pid: 0, comm: '' }, role: 'unknown' }));
    const text = renderFileSummary({
      groups,
      stats: {
        ...clean,
        truncated: true,
        pipeline: { ...clean.pipeline, unrecognizedConnections: 1 },
      },
      elapsedMs: 5000,
      protocols: ['http'],
      colors: createColors(false),
    });
    expect(text).toMatch(
      /1 call in 5\.00s[^]*→ 127\.0\.0\.1:8080 +http GET +1 [^]*\n\nnot understood: 1 of 5 [^]*\nlost: the end/,
    );
    expect(text).not.toContain('nothing lost');
    const none = renderFileSummary({
      groups: new CallGroups(),
      stats: clean,
      elapsedMs: 0,
      protocols: ['http'],
      colors: createColors(false),
    });
    expect(none).toBe('\nNo calls seen.\nnothing lost\n');
  });
});
