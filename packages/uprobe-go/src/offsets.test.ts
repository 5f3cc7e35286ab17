// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { compareGoVersions, parseGoVersion } from './go-version.js';
import { MemoryImage } from './memory-image.test-support.js';
import { findOffsets, knownOffsets, readOffsets } from './offsets.js';
import type { GoOffsetsRow } from './offsets.js';
import { goOffsets } from './offsets.gen.js';

const row = (first: string, last: string, goid: number): GoOffsetsRow => ({
  ...{ first, last, goid, connConn: 0, tcpConnFd: 0 },
  ...{ netFdPfd: 0, netFdNet: 80, fdSysfd: 16 },
});
const rows = [
  row('1.19.8', '1.19.13', 1),
  row('1.21.0', '1.21.4', 2),
  row('1.21.5', '1.21.13', 3),
  row('1.23.5', '1.23.5', 4),
];

describe('the table of offsets', () => {
  it.each([
    ['go1.19.10', 1, false],
    ['go1.21.4', 2, false],
    ['go1.21.5', 3, false],
    ['go1.21.99', 3, false],
    // Between two minor versions, before the first and behind the last: the nearest older one, or the oldest.
    ['go1.20.3', 1, true],
    ['go1.22.1', 3, true],
    ['go1.18', 1, true],
    ['go1.24.1', 4, true],
    ['devel', 4, true],
  ])('%s', (version, goid, isAssumed) => {
    const found = knownOffsets(parseGoVersion(version), rows);
    expect(found.offsets.goid).toBe(goid);
    expect(found.isAssumed).toBe(isAssumed);
  });

  it('takes a release older than the first seen of its minor version for one like it', () => {
    expect(knownOffsets(parseGoVersion('go1.23.1'), rows)).toMatchObject({
      offsets: { goid: 4 },
      foundBy: 'those of Go 1.23.5',
      isAssumed: false,
    });
  });

  it('holds 1.19 to 1.27, oldest first', () => {
    const versions = goOffsets.map(({ first }) => parseGoVersion(first)!);
    expect(versions.map(({ minor }) => minor)).toEqual(
      expect.arrayContaining([19, 21, 22, 23, 24, 25, 26, 27]),
    );
    expect(versions).toEqual([...versions].sort(compareGoVersions));
    const goid = (version: string) => knownOffsets(parseGoVersion(version)).offsets.goid;
    expect(['1.19.8', '1.22.12', '1.23.5', '1.24.4', '1.25.12', '1.27.4'].map(goid)).toEqual([
      ...[152, 152, 160, 160, 152, 152],
    ]);
  });
});

describe('offsets in debug information', () => {
  it('count only when all are there, and g begins with its stack', () => {
    const image = new MemoryImage('x86_64', []);
    const members: readonly (readonly [string, number])[] = [
      ['runtime.g.goid', 168],
      ['runtime.g.stack', 0],
      ['runtime.stack.lo', 0],
      ['runtime.stack.hi', 8],
      ['crypto/tls.Conn.conn', 0],
      ['net.TCPConn.conn', 8],
      ['net.conn.fd', 16],
      ['net.netFD.pfd', 0],
      ['net.netFD.net', 88],
      ['internal/poll.FD.Sysfd', 16],
    ];
    for (const [name, offset] of members) {
      expect(readOffsets(image)).toBeUndefined();
      image.members.set(name, offset);
    }
    const offsets = {
      ...{ goid: 168, connConn: 0, tcpConnFd: 24 },
      ...{ netFdPfd: 0, netFdNet: 88, fdSysfd: 16 },
    };
    expect(readOffsets(image)).toEqual(offsets);
    expect(findOffsets(image, undefined)).toMatchObject({ offsets, isAssumed: false });
    image.members.set('runtime.g.stack', 8);
    expect(readOffsets(image)).toBeUndefined();
  });
});
