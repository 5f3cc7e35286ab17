// SPDX-License-Identifier: Apache-2.0
import type { Direction, HoleReason, RecordSource, Role, Transport } from '../../model/index.js';
import type { TracerStats } from '../../tracer/types.js';

/*
 * A recording (docs/recording-format.md). All numbers are little-endian.
 *
 *   0         8         10         12            16          16+n     20+n
 *   +---------+---------+----------+-------------+-----------+--------+--------- - - -
 *   | magic   | version | reserved | n           | JSON      | crc32  | frames
 *   +---------+---------+----------+-------------+-----------+--------+--------- - - -
 *
 *   frame:   0        4      5            5+n      9+n
 *            +--------+------+------------+--------+
 *            | n      | type | payload    | crc32  |      crc32 of everything before it in the frame
 *            +--------+------+------------+--------+
 */

/** First bytes of a recording. As in PNG, they tell when a transfer as text broke the file. */
export const recordingMagic = Buffer.from([0x89, 0x4c, 0x54, 0x52, 0x45, 0x43, 0x0d, 0x0a]);

/** Raised when a reader of the old number would misread a file of the new one. */
export const recordingVersion = 1;

/** Magic, version, reserved, length of the JSON. */
export const prefixBytes = 16;
/** Length and type. */
export const frameHeadBytes = 5;
export const checksumBytes = 4;

/** What a reader takes at most: beyond it a file is not believed. */
export const recordingLimits = {
  /** Bytes of the JSON of the header. */
  header: 1024 * 1024,
  /** Bytes of a frame's payload. */
  payload: 16 * 1024 * 1024,
  /** Processes known at once; a writer that knows so many forgets them and says so. */
  processes: 16_384,
  /** Connections open at once. */
  connections: 1024 * 1024,
} as const;

/** The type byte of a frame. Readers skip types that they do not know. */
export const frameType = {
  process: 1,
  open: 2,
  role: 3,
  segment: 4,
  end: 5,
  close: 6,
  tick: 7,
  finish: 8,
  forgetProcesses: 9,
  dropped: 10,
  counters: 11,
  endOfRecording: 12,
  bind: 13,
} as const;

/** Bytes of a segment's payload before the hint and the captured bytes. */
export const segmentHeadBytes = 58;

export const transportCodes: readonly Transport[] = ['tcp', 'udp', 'unix', 'tls'];
export const roleCodes: readonly Role[] = ['unknown', 'client', 'server'];
export const holeCodes: readonly (HoleReason | undefined)[] = [
  undefined,
  'limit',
  'loss',
  'kernel-copy',
  'unseen',
  'fault',
];

/** Bits of a connection's flags; bits 1 and 2 are an index of {@link likelyCodes}. */
export const connectionFlag = {
  midstream: 1,
  likelyShift: 1,
  likelyMask: 6,
  source: 8,
  carrier: 16,
} as const;
export const likelyCodes: readonly (Direction | undefined)[] = [undefined, 'in', 'out'];

/** Bits of the flags of a close. `broken`: it is not the end that completes messages. */
export const closeFlag = { process: 1, broken: 2 } as const;

/** Bits of a segment's flags; the hole's reason stands in bits 3 to 5. */
export const segmentFlag = { out: 1, idle: 2, hint: 4, holeShift: 3, holeMask: 0x38 } as const;

/** What the JSON at the head of a recording says. Fields that a reader does not know are left alone. */
export interface RecordingHeader {
  /** Version of @libtrace/core that wrote it. */
  readonly libtrace: string;
  /** When it was begun, RFC 3339, UTC. */
  readonly created: string;
  /** Where it was made. */
  readonly machine: {
    /** Name of the machine. */
    readonly hostname: string;
    /** `process.arch`. */
    readonly arch: string;
    /** `process.platform`. */
    readonly platform: string;
    /** Kernel release (`uname -r`). */
    readonly release: string;
  };
  /** Where the bytes came from when they were recorded. */
  readonly source: RecordSource;
  /** Nanoseconds to add to the times of the frames to get Unix time. */
  readonly wallClockOffsetNs: bigint;
  /** What was captured: target, capture limit, names of the active plugins. For people; nothing depends on it. */
  readonly capture: Readonly<Record<string, unknown>>;
  /** The command that was traced, if one was. */
  readonly command: readonly string[] | undefined;
}

/** What a recorder wrote, and what it could not write. */
export interface RecordingStats {
  /** Bytes handed to the sink. */
  readonly fileBytes: number;
  /** Connections that were announced. */
  readonly connections: number;
  /** Segments written. */
  readonly segments: number;
  /** Captured bytes in those segments. */
  readonly bytes: number;
  /** Segments that were not written: the sink was too slow, or had failed. */
  readonly droppedSegments: number;
  /** Captured bytes in them. */
  readonly droppedBytes: number;
  /** Frames other than segments that were not written. */
  readonly droppedFrames: number;
}

/** What the kernel side counted while a recording was made; written at its end. */
export type RecordingCounters = TracerStats['kernel'];
