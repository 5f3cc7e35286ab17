// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { arch, hostname, platform, release } from 'node:os';
import { crc32 } from 'node:zlib';
import {
  checksumBytes,
  prefixBytes,
  recordingMagic,
  recordingVersion,
  type RecordingHeader,
} from './format.js';

/** Sources of plaintext have names of their own. */
const sourceName = /^[a-z][a-z0-9_.-]{0,63}$/;

/** Version of this package, seen from `dist/` and from `src/source/recording/`; `''` when it is bundled elsewhere. */
function ownVersion(): string {
  for (const relative of ['../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(relative, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };
      if (name === '@libtrace/core' && typeof version === 'string') return version;
    } catch {
      // Not there.
    }
  }
  return '';
}

/** The header of a recording that is begun now on this machine. */
export function newHeader(
  fields: Pick<RecordingHeader, 'wallClockOffsetNs'> & Partial<RecordingHeader>,
): RecordingHeader {
  return {
    libtrace: ownVersion(),
    created: new Date().toISOString(),
    machine: { hostname: hostname(), arch: arch(), platform: platform(), release: release() },
    source: 'syscall',
    capture: {},
    command: undefined,
    ...fields,
  };
}

/** The head of a file: magic, version, JSON, checksum. */
export function encodeHeader(header: RecordingHeader): Buffer {
  const { wallClockOffsetNs, ...rest } = header;
  const json = Buffer.from(
    JSON.stringify({ ...rest, wallClockOffsetNs: String(wallClockOffsetNs) }),
    'utf8',
  );
  const bytes = Buffer.alloc(prefixBytes + json.length + checksumBytes);
  recordingMagic.copy(bytes);
  bytes.writeUInt16LE(recordingVersion, 8);
  bytes.writeUInt32LE(json.length, 12);
  json.copy(bytes, prefixBytes);
  const end = prefixBytes + json.length;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

/** Reads the JSON of a header; returns what is wrong with it when it cannot be used. */
export function decodeHeader(json: string): RecordingHeader | string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'its JSON is malformed';
  }
  if (!isObject(value)) return 'it is no object';
  const { wallClockOffsetNs, source, machine, command } = value;
  if (typeof wallClockOffsetNs !== 'string' || !/^-?\d{1,19}$/.test(wallClockOffsetNs)) {
    return 'wallClockOffsetNs is no decimal number';
  }
  if (typeof source !== 'string' || !sourceName.test(source)) return 'source is no name';
  const facts = isObject(machine) ? machine : {};
  return {
    libtrace: text(value['libtrace']),
    created: text(value['created']),
    machine: {
      hostname: text(facts['hostname']),
      arch: text(facts['arch']),
      platform: text(facts['platform']),
      release: text(facts['release']),
    },
    source,
    wallClockOffsetNs: BigInt(wallClockOffsetNs),
    capture: isObject(value['capture']) ? value['capture'] : {},
    command: Array.isArray(command) ? command.map(text) : undefined,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
