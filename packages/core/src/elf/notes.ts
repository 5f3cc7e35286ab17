// SPDX-License-Identifier: Apache-2.0
import type { UsdtPlace } from '../plugin/uprobe.js';
import type { AddressMap } from './address-map.js';
import { u64 } from './file-bytes.js';
import { limits } from './limits.js';

/** A note (System V ABI, «Note Section»). */
export interface Note {
  /** Who defines its type. */
  readonly owner: string;
  /** What it is. */
  readonly type: number;
  /** What it says. */
  readonly content: Buffer;
}

const buildIdType = 3;
const maxBuildIdBytes = 64;
const usdtType = 3;

/** The notes of a segment or section; ends at the first that is broken. `align` is 4, or 8 in some segments. */
export function* readNotes(bytes: Buffer, align = 4): Generator<Note> {
  const aligned = (at: number) => Math.ceil(at / align) * align;
  let at = 0;
  while (at + 12 <= bytes.length) {
    const nameSize = bytes.readUInt32LE(at);
    const contentSize = bytes.readUInt32LE(at + 4);
    const contentAt = aligned(at + 12 + nameSize);
    if (contentAt + contentSize > bytes.length) return;
    yield {
      owner: bytes.toString('latin1', at + 12, at + 12 + Math.max(0, Math.min(nameSize, 64) - 1)),
      type: bytes.readUInt32LE(at + 8),
      content: bytes.subarray(contentAt, contentAt + contentSize),
    };
    at = aligned(contentAt + contentSize);
  }
}

/** The build id among notes, in hexadecimal. */
export function findBuildId(notes: Iterable<Note>): string | undefined {
  for (const { owner, type, content } of notes) {
    const fits = content.length > 0 && content.length <= maxBuildIdBytes;
    if (owner === 'GNU' && type === buildIdType && fits) return content.toString('hex');
  }
  return undefined;
}

/**
 * Places of USDT probes by `provider:probe` (SystemTap, «UserSpaceProbeImplementation»). A note holds addresses as linked
 * with the address of `.stapsdt.base` at that time: when prelinking has moved that section, what it moved by is added.
 * Places whose instruction is not in the file are left out.
 */
export function readUsdtPlaces(
  notes: Iterable<Note>,
  map: AddressMap,
  baseAddress: number | undefined,
): ReadonlyMap<string, readonly UsdtPlace[]> {
  const places = new Map<string, UsdtPlace[]>();
  for (const { owner, type, content } of notes) {
    if (owner !== 'stapsdt' || type !== usdtType || content.length < 24) continue;
    const base = u64(content, 8);
    const moved = base === 0 || baseAddress === undefined ? 0 : baseAddress - base;
    const fileOffset = map.fileOffset(u64(content, 0) + moved);
    const [provider, probe, args] = texts(content, 24);
    if (fileOffset === undefined || provider === undefined || probe === undefined) continue;
    const semaphore = u64(content, 16);
    const place: UsdtPlace = {
      fileOffset,
      semaphoreOffset: semaphore === 0 ? undefined : map.fileOffset(semaphore + moved),
      arguments: args ?? '',
    };
    const key = `${provider}:${probe}`;
    const known = places.get(key);
    if (known === undefined) places.set(key, [place]);
    else known.push(place);
  }
  return places;
}

/** Three texts, each ended by a zero byte. */
function texts(content: Buffer, from: number): (string | undefined)[] {
  const found: string[] = [];
  let at = from;
  while (found.length < 3) {
    const end = content.indexOf(0, at);
    if (end < 0 || end - at > limits.shortName) break;
    found.push(content.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}
