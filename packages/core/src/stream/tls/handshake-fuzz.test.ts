// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Direction, TlsInfo } from '../../plugin/index.js';
import { Budget, Counters } from '../counters.js';
import { testProcess } from '../toy-protocol.test-support.js';
import { TlsHandshake } from './handshake.js';
import {
  alpnExtension,
  clientHello,
  extension,
  hellos,
  message,
  record,
  selectedVersion,
  serverHello,
  serverNameExtension,
} from './hello.test-support.js';

const runs = Number(process.env['LIBTRACE_FUZZ_RUNS'] ?? 20_000);
const maxKept = 2 * 32 * 1024;

const seeds: readonly Buffer[] = [
  hellos.client,
  hellos.server,
  record(clientHello()),
  record(serverHello(0x0303, 0xc02f, [extension(11), alpnExtension('http/1.1')])),
  record(Buffer.concat([message(0), serverHello(0x0303, 0x1301, [selectedVersion(0x0304)])])),
  Buffer.concat([
    record(clientHello([serverNameExtension('a.example')]).subarray(0, 30)),
    record(clientHello([serverNameExtension('a.example')]).subarray(30)),
  ]),
  record(clientHello([extension(21, Buffer.alloc(12_000)), serverNameExtension('b.example')])),
];

/** A small generator of numbers (xorshift32), the same at every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutated(random: (below: number) => number): Buffer {
  const bytes = Buffer.from(seeds[random(seeds.length)]!);
  for (let changes = random(6); changes > 0; changes--) {
    const at = random(Math.min(bytes.length, 400));
    switch (random(4)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at]! ^= 1 << random(8);
        break;
      case 2:
        bytes.writeUInt16BE([0, 1, 0xff, 0x100, 0x4000, 0xffff][random(6)]!, Math.max(0, at - 1));
        break;
      default:
        bytes.copyWithin(at, random(bytes.length));
    }
  }
  const cut = random(10) === 0 ? random(bytes.length) : bytes.length;
  return random(20) === 0
    ? Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(random(60_000), random(256))])
    : bytes.subarray(0, cut);
}

const visible = /^[\x21-\x7e]{1,255}$/;

function check(info: TlsInfo): void {
  const { version, cipher, serverName, alpn, ...others } = info;
  expect(others).toEqual({});
  if (version !== undefined) expect(['1.0', '1.1', '1.2', '1.3']).toContain(version);
  if (cipher !== undefined) expect(cipher).toMatch(/^(?:TLS_[A-Za-z0-9_]+|0x[0-9a-f]{4})$/);
  for (const name of [serverName, alpn]) if (name !== undefined) expect(name).toMatch(visible);
}

describe('a handshake of mutated bytes', () => {
  it(`never throws, keeps little and gives it back (${runs} inputs)`, { timeout: 600_000 }, () => {
    const random = generator(20_261_120);
    const counters = new Counters();
    const budget = new Budget(counters, 1024 * 1024, 1024 * 1024);
    let told = 0;
    for (let run = 0; run < runs; run++) {
      const starts = random(2) === 0 ? undefined : { in: 0, out: 0 };
      const handshake = new TlsHandshake(budget, starts);
      const position = { in: 0, out: 0 };
      for (let streams = 1 + random(3); streams > 0; streams--) {
        const bytes = mutated(random);
        const direction: Direction = random(2) === 0 ? 'in' : 'out';
        const step = random(4) === 0 ? 1 + random(100) : bytes.length + 1;
        for (let at = 0; at < bytes.length && !handshake.isDone; at += step) {
          const piece = bytes.subarray(at, at + step);
          const hole = random(50) === 0 ? random(100) : 0;
          handshake.take({
            direction,
            position: Math.max(0, position[direction] - (random(50) === 0 ? random(100) : 0)),
            length: piece.length + hole,
            captured: piece.length,
            data: piece,
            dataStart: 0,
            holeReason: hole > 0 ? 'loss' : undefined,
            oppositePosition: 0,
            startNs: 0,
            endNs: 0,
            tid: 1,
            process: testProcess,
          });
          position[direction] += piece.length + hole;
          if (counters.bufferedBytes > maxKept) expect.fail(`${counters.bufferedBytes} bytes kept`);
        }
      }
      check(handshake.info);
      if (Object.keys(handshake.info).length > 0) told++;
      handshake.end();
      if (counters.bufferedBytes !== 0) expect.fail(`${counters.bufferedBytes} bytes left`);
    }
    // It is no test of bytes that are refused at once.
    expect(told).toBeGreaterThan(runs / 4);
  });
});
