// SPDX-License-Identifier: Apache-2.0
import type { TlsInfo } from '../../plugin/index.js';
import { cipherSuiteName } from './cipher-suites.js';
import { VectorReader } from './vector-reader.js';

const extension = { serverName: 0, alpn: 16, supportedVersions: 43 } as const;
const hostName = 0;
const randomBytes = 32;

const versionNames: Readonly<Record<number, string>> = {
  0x0301: '1.0',
  0x0302: '1.1',
  0x0303: '1.2',
  0x0304: '1.3',
};

/**
 * What a ClientHello tells (RFC 8446, section 4.1.2; the same before): the name that is asked for.
 * ```
 *  version 2 | random 32 | session id <0..32> | cipher suites <2..> | compressions <1..> | extensions <0..>
 * ```
 * @returns nothing of a message that is malformed
 */
export function readClientHello(body: Buffer): TlsInfo {
  const reader = new VectorReader(body);
  reader.skip(2 + randomBytes);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  const serverName = extensionsOf(reader, (type, data) =>
    type === extension.serverName ? hostNameIn(data) : undefined,
  );
  return reader.failed || serverName === undefined ? {} : { serverName };
}

/**
 * What a ServerHello tells (RFC 8446, section 4.1.3; RFC 5246, section 7.4.1.3): version and cipher suite, and before
 * TLS 1.3, which encrypts it, the protocol that was agreed on. A HelloRetryRequest has the same form, and the ServerHello
 * that follows must repeat its version and suite (section 4.1.4).
 * ```
 *  version 2 | random 32 | session id <0..32> | cipher suite 2 | compression 1 | extensions <0..>
 * ```
 * @returns nothing of a message that is malformed
 */
export function readServerHello(body: Buffer): TlsInfo {
  const reader = new VectorReader(body);
  let version = reader.uint(2);
  reader.skip(randomBytes);
  reader.vector(1);
  const cipher = reader.uint(2);
  reader.skip(1);
  const alpn = extensionsOf(reader, (type, data) => {
    if (type === extension.supportedVersions) version = data.uint(2);
    return type === extension.alpn ? data.vector(2).vector(1).name() : undefined;
  });
  if (reader.failed) return {};
  const name = Object.hasOwn(versionNames, version) ? versionNames[version] : undefined;
  return {
    ...(name === undefined ? {} : { version: name }),
    cipher: cipherSuiteName(cipher),
    ...(alpn === undefined ? {} : { alpn }),
  };
}

/** Walks through the extensions, if there are any; returns what `read` found first. */
function extensionsOf(
  message: VectorReader,
  read: (type: number, data: VectorReader) => string | undefined,
): string | undefined {
  if (message.left === 0) return undefined;
  const extensions = message.vector(2);
  let found: string | undefined;
  while (extensions.left > 0) {
    const type = extensions.uint(2);
    const data = extensions.vector(2);
    if (extensions.failed) {
      message.failed = true;
      return undefined;
    }
    found ??= read(type, data);
  }
  return found;
}

/** RFC 6066, section 3: a list of names, of which there is one kind. */
function hostNameIn(data: VectorReader): string | undefined {
  const list = data.vector(2);
  const type = list.uint(1);
  const name = list.vector(2);
  return list.failed || type !== hostName ? undefined : name.name();
}
