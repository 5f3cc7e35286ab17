// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';

/** What the constant data of a file tells of the library in it. */
export interface Marks {
  /** `OpenSSL 3.0.15`, `BoringSSL`; undefined when the file does not say. */
  readonly version: string | undefined;
  /** The code of libssl is in the file (the names of its own source files and functions are). */
  readonly hasLibrary: boolean;
}

const chunkBytes = 1024 * 1024;
/** More constant data than this is not searched. */
const searchedBytesMax = 64 * 1024 * 1024;
/** So much of a chunk is looked at again with the next one: no mark is longer. */
const overlapBytes = 64;

/** In errors of libssl: `OPENSSL_FILE` of ssl_lib.c (BoringSSL: ssl_lib.cc), and a function since 1.1.1. */
const librarySigns = ['ssl/ssl_lib.c', 'ssl_read_internal'];
/** `OPENSSL_VERSION_TEXT` (opensslv.h): `OpenSSL 1.1.1w  11 Sep 2023`, `OpenSSL 3.2.0-beta1 26 Oct 2023`. */
const versionText = /OpenSSL \d+\.\d+\.\d+[a-z]{0,2}(?:[-+][0-9a-z]+)*(?= )/;
/** BoringSSL, and AWS-LC which came from it, answer with a text of their own (crypto.cc). */
const otherVersionText = /OpenSSL 1\.1\.1 \(compatible; (BoringSSL|AWS-LC)/;

/** Searches the constant data of a file, a piece at a time. */
export function findMarks(image: ElfImage): Marks {
  const section = image.section('.rodata');
  let version: string | undefined;
  let hasLibrary = false;
  const end = section === undefined ? 0 : Math.min(section.size, searchedBytesMax);
  for (let at = 0; at < end && (version === undefined || !hasLibrary); at += chunkBytes) {
    const bytes = image.read(section!.address + at, Math.min(chunkBytes + overlapBytes, end - at));
    if (bytes.length === 0) break;
    hasLibrary ||= librarySigns.some((sign) => bytes.includes(sign, 0, 'latin1'));
    version ??= versionIn(bytes);
  }
  return { version, hasLibrary };
}

function versionIn(bytes: Buffer): string | undefined {
  for (let at = bytes.indexOf('OpenSSL '); at >= 0; at = bytes.indexOf('OpenSSL ', at + 1)) {
    const text = bytes.toString('latin1', at, at + overlapBytes);
    const found = otherVersionText.exec(text)?.[1] ?? versionText.exec(text)?.[0];
    if (found !== undefined) return found;
  }
  return undefined;
}
