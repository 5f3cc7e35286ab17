// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';

/** What the Go linker writes about a program (`go version -m FILE`). */
export interface GoBuildInfo {
  /** As it is written: `go1.23.5`, `go1.24.1 X:boringcrypto`, `devel go1.25-abcdef`. Empty when it cannot be read. */
  readonly version: string;
  /** Import path of the main package, if the file tells. */
  readonly path: string | undefined;
  /** Path and version of the main module: `example.com/shop v1.2.3`, if the file tells. */
  readonly module: string | undefined;
  /** Settings of the build, since Go 1.18: `GOARCH` → `amd64`, `CGO_ENABLED`, `-ldflags`, `-buildmode`, … */
  readonly settings: ReadonlyMap<string, string>;
}

/*
 * The blob (debug/buildinfo of Go's standard library), aligned to 16 bytes:
 *
 *   0   "\xff Go buildinf:"
 *   14  pointer size
 *   15  flags: bit 0 big endian, bit 1 strings are in line
 *   before 1.18: 16 address of a string header (address, length) of the version, then one of the module's text
 *   since 1.18:  32 varint length and bytes of the version, then the same of the module's text
 */
const magic = Buffer.from('\xff Go buildinf:', 'latin1');
const alignment = 16;
const headerBytes = 32;
const inlineFlag = 2;
const bigEndianFlag = 1;
const chunkBytes = 1024 * 1024;
/** Of writable segments, looked through when the file has no sections. */
const maxSearchedBytes = 64 * 1024 * 1024;
const maxVersionBytes = 1024;
/** The list of modules of the largest programs takes 100 KB. */
const maxModuleBytes = 4 * 1024 * 1024;
/** The module's text stands between two marks of so many bytes. */
const frameBytes = 16;

/** @returns undefined when the file is not of Go (or older than Go 1.13, which began to write it) */
export function readBuildInfo(image: ElfImage): GoBuildInfo | undefined {
  const address = findBlob(image);
  if (address === undefined) return undefined;
  const header = image.read(address, headerBytes);
  if (header.length < headerBytes) return undefined;
  const [version, text] =
    (header[15]! & inlineFlag) !== 0
      ? inlineStrings(image, address + headerBytes)
      : pointedStrings(image, header);
  return { version: printable(version), ...readModuleText(text) };
}

function findBlob(image: ElfImage): number | undefined {
  const section = image.section('.go.buildinfo');
  if (section !== undefined) {
    const bytes = image.read(section.address, Math.min(section.size, chunkBytes));
    return alignedMagic(bytes, section.address);
  }
  // A file with sections, but not this one, is not Go's.
  return image.section('.text') === undefined ? searchSegments(image) : undefined;
}

function searchSegments(image: ElfImage): number | undefined {
  let left = maxSearchedBytes;
  for (const segment of image.segments) {
    if (!segment.isWritable) continue;
    const size = Math.min(segment.size, left);
    left -= size;
    // Chunks begin at multiples of the alignment: the magic is never cut.
    const begin = Math.ceil(segment.address / alignment) * alignment;
    for (let at = begin; at < segment.address + size; at += chunkBytes) {
      const bytes = image.read(at, Math.min(chunkBytes, segment.address + size - at));
      const found = alignedMagic(bytes, at);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function alignedMagic(bytes: Buffer, address: number): number | undefined {
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    if ((address + at) % alignment === 0) return address + at;
  }
  return undefined;
}

function inlineStrings(image: ElfImage, address: number): readonly [string, string] {
  const version = inlineString(image, address, maxVersionBytes);
  if (version === undefined) return ['', ''];
  return [version.text, inlineString(image, version.end, maxModuleBytes)?.text ?? ''];
}

function inlineString(
  image: ElfImage,
  address: number,
  maxBytes: number,
): { readonly text: string; readonly end: number } | undefined {
  const bytes = image.read(address, 10);
  let length = 0;
  let used = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[used++];
    if (byte === undefined || scale > 2 ** 28) return undefined;
    length += (byte & 127) * scale;
    if (byte < 128) break;
  }
  if (length > maxBytes) return undefined;
  const text = image.read(address + used, length);
  if (text.length < length) return undefined;
  return { text: text.toString('latin1'), end: address + used + length };
}

function pointedStrings(image: ElfImage, header: Buffer): readonly [string, string] {
  if (header[14] !== 8 || (header[15]! & bigEndianFlag) !== 0) return ['', ''];
  return [
    pointedString(image, readAddress(header, 16), maxVersionBytes),
    pointedString(image, readAddress(header, 24), maxModuleBytes),
  ];
}

function pointedString(image: ElfImage, address: number | undefined, maxBytes: number): string {
  const pair = address === undefined ? undefined : image.read(address, 16);
  if (pair === undefined || pair.length < 16) return '';
  const [at, length] = [readAddress(pair, 0), readAddress(pair, 8)];
  if (at === undefined || length === undefined || length > maxBytes) return '';
  const text = image.read(at, length);
  return text.length < length ? '' : text.toString('latin1');
}

function readAddress(bytes: Buffer, at: number): number | undefined {
  const value = bytes.readBigUInt64LE(at);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** Lines of `key TAB value…`: `path`, `mod`, `dep`, `build`. */
function readModuleText(framed: string): Omit<GoBuildInfo, 'version'> {
  const isFramed = framed.length > 2 * frameBytes && framed.at(-frameBytes - 1) === '\n';
  const text = isFramed ? framed.slice(frameBytes, -frameBytes) : '';
  const settings = new Map<string, string>();
  let path: string | undefined;
  let module: string | undefined;
  for (const line of text.split('\n')) {
    const [key, ...values] = line.split('\t');
    const value = printable(values[0] ?? '');
    if (key === 'path') path = value;
    if (key === 'mod') module = printable(values.slice(0, 2).join(' ')).trim();
    if (key === 'build') {
      const equals = value.indexOf('=');
      if (equals > 0) settings.set(value.slice(0, equals), unquote(value.slice(equals + 1)));
    }
  }
  return { path, module, settings };
}

/** Values with spaces are written as Go strings. */
function unquote(value: string): string {
  return /^"[^"\\]*"$/.test(value) ? value.slice(1, -1) : value;
}

/** It is shown on terminals: no control characters. */
function printable(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, '?');
}
