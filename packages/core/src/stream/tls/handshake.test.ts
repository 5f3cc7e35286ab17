// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type AddressInfo } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Direction, TlsInfo } from '../../plugin/index.js';
import { Budget, Counters } from '../counters.js';
import { testProcess } from '../toy-protocol.test-support.js';
import { TlsHandshake } from './handshake.js';
import {
  clientHello,
  extension,
  hellos,
  message,
  record,
  serverHello,
  serverNameExtension,
} from './hello.test-support.js';

/** One piece that moved. `captured`: so many of its bytes; `skip`: bytes that moved unseen before it. */
interface Piece {
  readonly direction: Direction;
  readonly bytes: Buffer;
  readonly captured?: number;
  readonly skip?: number;
}

function read(pieces: readonly Piece[], starts?: Readonly<Record<Direction, number>>) {
  const counters = new Counters();
  const budget = new Budget(counters, 1024 * 1024, 1024 * 1024);
  const handshake = new TlsHandshake(budget, starts);
  const position = { in: 0, out: 0 };
  let told = 0;
  for (const { direction, bytes, captured = bytes.length, skip = 0 } of pieces) {
    const slab = Buffer.concat([Buffer.from('\x16\x03\x01'), bytes, Buffer.from('\x16\x03\x01')]);
    position[direction] += skip;
    const before = handshake.info;
    handshake.take({
      direction,
      position: position[direction],
      length: bytes.length,
      captured,
      data: slab,
      dataStart: 3,
      holeReason: captured < bytes.length ? 'limit' : undefined,
      oppositePosition: 0,
      startNs: 0,
      endNs: 0,
      tid: 1,
      process: testProcess,
    });
    slab.fill(0);
    position[direction] += bytes.length;
    if (handshake.info !== before) told++;
  }
  const kept = counters.bufferedBytes;
  const { info, isDone, isTls } = handshake;
  handshake.end();
  return { info, isDone, isTls, told, kept, left: counters.bufferedBytes };
}

const out = (bytes: Buffer, more: Partial<Piece> = {}): Piece => ({
  direction: 'out',
  bytes,
  ...more,
});
const into = (bytes: Buffer, more: Partial<Piece> = {}): Piece => ({
  direction: 'in',
  bytes,
  ...more,
});
const bytewise = (piece: Piece): Piece[] =>
  [...piece.bytes].map((byte) => ({ ...piece, bytes: Buffer.from([byte]) }));

const applicationData = record(Buffer.alloc(50, 0x55), 23, 0x0303);

describe('a handshake', () => {
  it('tells what both hellos say, from either side', () => {
    const client = read([out(hellos.client), into(hellos.server)]);
    const server = read([into(hellos.client), out(hellos.server)]);
    const expected = { info: hellos.info, isDone: true, isTls: true, told: 2, left: 0 };
    expect(client).toMatchObject(expected);
    expect(server).toMatchObject(expected);
  });

  it('is read byte by byte', () => {
    const pieces = [...bytewise(out(hellos.client)), ...bytewise(into(hellos.server))];
    expect(read(pieces)).toMatchObject({ info: hellos.info, isDone: true });
    expect(read(pieces.slice(0, -1))).toMatchObject({
      info: { serverName: 'shop.example' },
      isDone: false,
      left: 0,
    });
  });

  it('is read from a message that spans records, with others behind it', () => {
    const hello = clientHello([
      extension(21, Buffer.alloc(3000)),
      serverNameExtension('x.example'),
    ]);
    const records = [0, 1, 3, 4, 5, 1000, hello.length].map((from, i, all) =>
      record(hello.subarray(from, all[i + 1])),
    );
    const flight = record(
      Buffer.concat([serverHello(0x0303, 0x009d), message(11, Buffer.alloc(900))]),
    );
    expect(read([out(Buffer.concat(records.slice(0, -1))), into(flight)])).toMatchObject({
      info: { serverName: 'x.example', version: '1.2', cipher: 'TLS_RSA_WITH_AES_256_GCM_SHA384' },
      isDone: true,
    });
  });

  it('steps over a request for it, and over what was said before TLS', () => {
    const pieces = [
      into(Buffer.from('220 mail\r\n')),
      out(Buffer.from('STARTTLS\r\n')),
      into(Buffer.from('220 go\r\n')),
      out(hellos.client),
      into(Buffer.concat([record(message(0)), hellos.server])),
    ];
    expect(read(pieces)).toMatchObject({ info: hellos.info, isDone: true });
  });

  it('is done when it was missed', () => {
    expect(read([into(applicationData)])).toMatchObject({ info: {}, isDone: true, isTls: true });
    expect(read([out(record(Buffer.from([2, 40]), 21))])).toMatchObject({ info: {}, isDone: true });
  });

  it('keeps what it knows when the other hello is not read', () => {
    const half = { serverName: 'shop.example' };
    expect(read([out(hellos.client), into(applicationData)])).toMatchObject({
      info: half,
      isDone: true,
    });
    const hole = into(hellos.server, { captured: 20 });
    expect(read([out(hellos.client), hole])).toMatchObject({ info: half, isDone: true, left: 0 });
    const [first, ...rest] = bytewise(into(hellos.server));
    const gap = [first!, { ...rest[0]!, skip: 1 }];
    expect(read([out(hellos.client), ...gap])).toMatchObject({ info: half, isDone: true });
    const { version, cipher } = hellos.info;
    expect(read([out(hellos.client, { captured: 60 }), into(hellos.server)])).toMatchObject({
      info: { version, cipher },
      isDone: true,
    });
  });

  it('takes bytes once that are handed over twice', () => {
    const [a, b] = [hellos.client.subarray(0, 30), hellos.client.subarray(20)];
    expect(read([out(a), out(b, { skip: -10 }), into(hellos.server)]).info).toEqual(hellos.info);
  });

  it('is waited for no longer than 32 KiB, with memory for as much', () => {
    const long = record(clientHello([extension(21, Buffer.alloc(16_000))]));
    const endless = Buffer.concat([long.subarray(0, 16_000), Buffer.alloc(40_000, 0x16)]);
    expect(read([out(endless.subarray(0, 16_000))])).toMatchObject({ isDone: false });
    const { isDone, kept } = read([
      out(endless.subarray(0, 16_000)),
      out(endless.subarray(16_000)),
    ]);
    expect(isDone).toBe(true);
    expect(kept).toBe(0);
    const talk = Array.from({ length: 34 }, () => into(Buffer.alloc(1000, 'a')));
    expect(read(talk.slice(0, 32))).toMatchObject({ isDone: false, isTls: false });
    expect(read(talk)).toMatchObject({ isDone: true, isTls: false });
    // A message that says that it is longer is not waited for.
    expect(read([out(record(Buffer.from([1, 1, 0, 0])))])).toMatchObject({ kept: 0 });
  });

  it('begins at given places', () => {
    const pieces = [
      into(Buffer.concat([Buffer.from('yes'), hellos.client])),
      out(Buffer.concat([Buffer.from('S'), hellos.server])),
    ];
    expect(read(pieces, { in: 3, out: 1 })).toMatchObject({ info: hellos.info, isDone: true });
    expect(read([out(Buffer.from('no TLS'))], { in: 0, out: 0 })).toMatchObject({
      isDone: true,
      isTls: false,
    });
    expect(read([out(Buffer.from([22, 3, 1, 0, 0]))], { in: 0, out: 0 })).toMatchObject({
      isDone: true,
      isTls: false,
    });
  });
});

describe('a handshake of OpenSSL', () => {
  it.each([
    ['TLSv1.2', { version: '1.2', alpn: 'h2' }],
    ['TLSv1.3', { version: '1.3' }],
  ] as const)('of %s tells what the library itself does', async (version, expected) => {
    const { pieces, cipher } = await shakeHands(version);
    expect(read(pieces).info).toEqual({ ...expected, cipher, serverName: 'shop.example' });
  });
});

/** A handshake within this process, with a key that both know: no certificate is needed. */
async function shakeHands(
  version: 'TLSv1.2' | 'TLSv1.3',
): Promise<{ pieces: Piece[]; cipher: TlsInfo['cipher'] }> {
  const psk = Buffer.alloc(32, 5);
  const ciphers = version === 'TLSv1.2' ? 'PSK-AES128-CBC-SHA256' : 'TLS_AES_128_GCM_SHA256';
  const common = { ciphers, minVersion: version, maxVersion: version, ALPNProtocols: ['h2'] };
  const pieces: Piece[] = [];
  const server = createTlsServer({ ...common, pskCallback: () => psk, pskIdentityHint: 'hint' });
  const between = createServer((near) => {
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    near.on('data', (bytes) => (pieces.push(out(bytes)), far.write(bytes)));
    far.on('data', (bytes) => (pieces.push(into(bytes)), near.write(bytes)));
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('close', () => far.destroy());
  });
  for (const each of [server, between]) {
    await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
  }
  const client: TLSSocket = connectTls({
    ...common,
    port: (between.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: 'shop.example',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk, identity: 'me' }),
  });
  try {
    await new Promise((resolve, reject) => {
      client.once('secureConnect', resolve).once('error', reject);
    });
    return { pieces, cipher: client.getCipher().standardName };
  } finally {
    client.destroy();
    between.close();
    server.close();
  }
}
