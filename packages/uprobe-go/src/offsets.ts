// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';
import { compareGoVersions, parseGoVersion } from './go-version.js';
import type { GoVersion } from './go-version.js';
import { goOffsets } from './offsets.gen.js';

/** Offsets of members of Go's structs, in bytes. */
export interface GoOffsets {
  /** `runtime.g.goid`: the number of a goroutine. */
  readonly goid: number;
  /** `crypto/tls.Conn.conn`: what carries the connection, an interface. */
  readonly connConn: number;
  /** `net.TCPConn.fd`: pointer to a netFD. */
  readonly tcpConnFd: number;
  /** `net.netFD.pfd`. */
  readonly netFdPfd: number;
  /** `net.netFD.net`: name of the network, `tcp`. */
  readonly netFdNet: number;
  /** `internal/poll.FD.Sysfd`: the file descriptor. */
  readonly fdSysfd: number;
}

/** A row of offsets.gen.ts. */
export interface GoOffsetsRow extends GoOffsets {
  /** The oldest release that was looked at and has these: `1.23.0`. */
  readonly first: string;
  /** The newest of the same minor version. */
  readonly last: string;
}

/** Offsets, and where they come from. */
export interface FoundOffsets {
  /** The offsets. */
  readonly offsets: GoOffsets;
  /** `debug information`, `those of Go 1.23`. */
  readonly foundBy: string;
  /** Whether they are those of another version, because this one is not known. */
  readonly isAssumed: boolean;
}

/** `runtime.g` begins with the bounds of its stack: what the programs rely on. */
const stackMembers: readonly (readonly [string, string, number])[] = [
  ['runtime.g', 'stack', 0],
  ['runtime.stack', 'lo', 0],
  ['runtime.stack', 'hi', 8],
];

/** Reads the offsets from DWARF; undefined when any is missing there. */
export function readOffsets(image: ElfImage): GoOffsets | undefined {
  const goid = image.memberOffset('runtime.g', 'goid');
  const connConn = image.memberOffset('crypto/tls.Conn', 'conn');
  const netFdPfd = image.memberOffset('net.netFD', 'pfd');
  const netFdNet = image.memberOffset('net.netFD', 'net');
  const fdSysfd = image.memberOffset('internal/poll.FD', 'Sysfd');
  // TCPConn embeds net.conn, whose member fd it is.
  const conn = image.memberOffset('net.TCPConn', 'conn');
  const fd = image.memberOffset('net.conn', 'fd');
  if (goid === undefined || connConn === undefined || fdSysfd === undefined) return undefined;
  if (netFdPfd === undefined || netFdNet === undefined) return undefined;
  if (conn === undefined || fd === undefined) return undefined;
  for (const [type, member, offset] of stackMembers) {
    if (image.memberOffset(type, member) !== offset) return undefined;
  }
  return { goid, connConn, tcpConnFd: conn + fd, netFdPfd, netFdNet, fdSysfd };
}

/** The offsets in a program: from its debug information, or those that its version of Go is known to have. */
export function findOffsets(image: ElfImage, version: GoVersion | undefined): FoundOffsets {
  const offsets = readOffsets(image);
  if (offsets !== undefined) return { offsets, foundBy: 'debug information', isAssumed: false };
  return knownOffsets(version);
}

/**
 * By version; rows are sorted. Of a minor version that is not in the table, those of the next older one; of an unknown
 * version, those of the newest.
 */
export function knownOffsets(
  version: GoVersion | undefined,
  rows: readonly GoOffsetsRow[] = goOffsets,
): FoundOffsets {
  const parsed = rows.map((row) => ({ row, first: versionOf(row.first) }));
  const sameMinor = parsed.filter(({ first }) => first.minor === version?.minor);
  const among = sameMinor.length > 0 ? sameMinor : parsed;
  const isNotNewer = ({ first }: { readonly first: GoVersion }) =>
    version === undefined || compareGoVersions(first, version) <= 0;
  const { row } = among.findLast(isNotNewer) ?? among[0]!;
  const { goid, connConn, tcpConnFd, netFdPfd, netFdNet, fdSysfd } = row;
  const offsets = { goid, connConn, tcpConnFd, netFdPfd, netFdNet, fdSysfd };
  return { offsets, foundBy: `those of Go ${row.last}`, isAssumed: sameMinor.length === 0 };
}

function versionOf(text: string): GoVersion {
  return parseGoVersion(text) ?? { minor: 0, patch: 0 };
}
