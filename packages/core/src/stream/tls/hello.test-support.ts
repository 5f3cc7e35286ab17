// SPDX-License-Identifier: Apache-2.0

const uint = (value: number, width: number): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return bytes;
};

/** A length of `width` bytes, and what it is the length of. */
export function vector(width: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([uint(content.length, width), content]);
}

/** RFC 8446, section 4.2. */
export function extension(type: number, ...data: readonly Buffer[]): Buffer {
  return Buffer.concat([uint(type, 2), vector(2, ...data)]);
}

/** RFC 6066, section 3. */
export function serverNameExtension(name: string): Buffer {
  return extension(0, vector(2, uint(0, 1), vector(2, Buffer.from(name, 'latin1'))));
}

/** RFC 7301, section 3.1, as a server sends it. */
export function alpnExtension(name: string): Buffer {
  return extension(16, vector(2, vector(1, Buffer.from(name, 'latin1'))));
}

/** RFC 8446, section 4.2.1, as a server sends it. */
export function selectedVersion(version: number): Buffer {
  return extension(43, uint(version, 2));
}

/** A handshake message: type, length of three bytes, body. */
export function message(type: number, ...body: readonly Buffer[]): Buffer {
  return Buffer.concat([uint(type, 1), vector(3, ...body)]);
}

/** RFC 8446, section 4.1.2, `extensions` undefined: as before there were any. */
export function clientHello(extensions?: readonly Buffer[], random = Buffer.alloc(32, 7)): Buffer {
  return message(
    1,
    uint(0x0303, 2),
    random,
    vector(1, Buffer.alloc(32, 1)),
    vector(2, uint(0x1301, 2), uint(0xc02f, 2)),
    vector(1, Buffer.from([0])),
    ...(extensions === undefined ? [] : [vector(2, ...extensions)]),
  );
}

/** RFC 8446, section 4.1.3. */
export function serverHello(
  version: number,
  cipher: number,
  extensions?: readonly Buffer[],
  random = Buffer.alloc(32, 9),
): Buffer {
  return message(
    2,
    uint(version, 2),
    random,
    vector(1, Buffer.alloc(32, 1)),
    uint(cipher, 2),
    Buffer.from([0]),
    ...(extensions === undefined ? [] : [vector(2, ...extensions)]),
  );
}

/** A record of TLS around some bytes: of a handshake by default. */
export function record(content: Buffer, type = 22, version = 0x0301): Buffer {
  return Buffer.concat([uint(type, 1), uint(version, 2), vector(2, content)]);
}

/** The hellos of a usual connection of TLS 1.3. */
export const hellos = {
  client: record(clientHello([extension(10, uint(0, 2)), serverNameExtension('shop.example')])),
  server: record(serverHello(0x0303, 0x1302, [selectedVersion(0x0304)]), 22, 0x0303),
  info: { version: '1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: 'shop.example' },
} as const;
