// SPDX-License-Identifier: Apache-2.0
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../core/src/inference/index.js';
import { indexed, inserted, literal, tableSize } from '../hpack/encoder.test-support.js';
import { inference } from '../inference.js';
import { randomNumbers } from '../traffic.test-support.js';
import {
  data,
  frame,
  headers,
  preface,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from './frames.test-support.js';

/** What the rules say of bytes that one call moved: `request certain`, for instance. */
function said(bytes: Buffer): string {
  const view = new ByteView();
  const window = bytes.subarray(0, 256);
  view.reset(window, 0, window.length, 0, false, 0);
  let likely = '';
  for (const { says, when, strength } of inference.rules) {
    if (evaluate(when, view, bytes.length) !== true) continue;
    if (strength !== 'likely') return `${says} certain`;
    likely ||= `${says} likely`;
  }
  return likely;
}

const GET = indexed(2);
const HTTP = indexed(6);
const OK = indexed(8);
const PATH = literal(4, '/some/path');

describe('HTTP/2 is recognized', () => {
  const cases: Record<string, readonly [Buffer, string]> = {
    'by its preface': [Buffer.concat([preface, settings([3, 100])]), 'request certain'],
    "by a server's settings": [settings([3, 128], [4, 65_536], [5, 16_777_215]), 'response likely'],
    'by settings and what follows': [
      Buffer.concat([settings([4, 1_048_576]), windowUpdate(0, 1000)]),
      'response likely',
    ],
    'by a request': [headers(7, [GET, HTTP, PATH], { endStream: true }), 'request certain'],
    'by a request with priority': [
      headers(7, [GET, HTTP, PATH], { priority: true }),
      'request certain',
    ],
    'by a padded request': [headers(7, [GET, HTTP, PATH], { padding: 9 }), 'request certain'],
    'by a request that begins with its path': [headers(7, [PATH, GET, HTTP]), 'request likely'],
    'by a request with a method of its own': [
      headers(7, [inserted(2, 'PUT'), PATH]),
      'request likely',
    ],
    'by a request with its body': [
      Buffer.concat([headers(7, [indexed(3), HTTP, PATH]), data(7, 'body', { endStream: true })]),
      'request certain',
    ],
    'by a response': [headers(7, [OK, literal(54, 'me')]), 'response likely'],
    'by a response with a status of its own': [headers(7, [literal(8, '201')]), 'response likely'],
    'by a head from the table': [headers(7, [indexed(70), indexed(71)]), 'either likely'],
    'by a change of the table': [headers(7, [tableSize(0), GET, HTTP]), 'either likely'],
    'by data': [data(7, 'x'.repeat(500)), 'either likely'],
    'by padded data': [data(7, 'x'.repeat(500), { padding: 8, endStream: true }), 'either likely'],
    'by a window': [windowUpdate(7, 100), 'either likely'],
    'by several windows': [
      Buffer.concat([windowUpdate(0, 100), windowUpdate(7, 100)]),
      'either likely',
    ],
    'by a ping': [frame(6, 0, 0, Buffer.from('12345678')), 'either likely'],
    'by acknowledged settings': [settingsAck, 'either likely'],
    'by a reset': [reset(7, 8), 'either likely'],
  };
  for (const [how, [bytes, wanted]] of Object.entries(cases)) {
    it(how, () => expect(said(bytes)).toBe(wanted));
  }

  it('by the first bytes of a head that is read bit by bit', () => {
    const bytes = headers(7, [GET, HTTP, literal(4, `/${'long'.repeat(50)}`)]);
    expect(said(bytes.subarray(0, 11))).toBe('request certain');
  });
});

describe('HTTP/2 is not seen', () => {
  const random = randomNumbers(7);
  const upTo = (most: number): number => Math.floor(random() * most);
  const pool = Buffer.from(Array.from({ length: 100_000 }, () => upTo(256)));
  const noise = (length: number): Buffer => {
    const from = upTo(pool.length - length);
    return Buffer.from(pool.subarray(from, from + length));
  };
  const be32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value >>> 0);
    return bytes;
  };
  const le32 = (value: number): Buffer => Buffer.from(be32(value).reverse());
  const be16 = (value: number): Buffer => be32(value).subarray(2);
  const row = (length: number): Buffer => {
    const fields = [];
    for (let left = length; left > 0;) {
      const size = Math.min(left - 1, 1 + upTo(30));
      fields.push(Buffer.from([size]), Buffer.from('v'.repeat(Math.max(0, size))));
      left -= size + 1;
    }
    return Buffer.concat(fields);
  };

  /** Messages of other protocols, of every length that could be mistaken. */
  const others: Record<string, (i: number) => Buffer> = {
    'Kafka requests': (i) => {
      const body = Buffer.concat([
        be16(i % 68),
        be16(i % 14),
        be32(i),
        be16(7),
        Buffer.from('client1'),
        Buffer.alloc(upTo(20)),
        noise(upTo(300)),
      ]);
      return Buffer.concat([be32(body.length), body]);
    },
    'Kafka requests of all sizes': (i) =>
      Buffer.concat([
        be32(i),
        be16(i % 68),
        be16(i % 14),
        be32(upTo(100_000)),
        be16(0xffff),
        Buffer.alloc(60),
      ]),
    'Kafka responses': (i) => {
      const body = Buffer.concat([be32(i), be16(0), be32(upTo(60)), Buffer.alloc(upTo(100))]);
      return Buffer.concat([be32(body.length), body]);
    },
    'Kafka responses of all sizes': (i) =>
      Buffer.concat([be32(i), be32(upTo(70_000)), be16(upTo(3)), Buffer.alloc(60)]),
    'MySQL rows': (i) => {
      const length = i % 3 === 0 ? (1 + upTo(16)) * 256 : 1 + upTo(1000);
      return Buffer.concat([le32(length).subarray(0, 3), Buffer.from([i % 10]), row(length)]);
    },
    'MySQL binary rows': (i) => {
      const length = (1 + upTo(64)) * 256;
      return Buffer.concat([
        le32(length).subarray(0, 3),
        Buffer.from([i % 10, 0, upTo(4)]),
        noise(length - 2),
      ]);
    },
    'MySQL commands': (i) => {
      const length = i % 2 === 0 ? (1 + upTo(30)) * 256 : 1 + upTo(500);
      const text = Buffer.from('select 1 from t where x = '.repeat(400));
      return Buffer.concat([
        le32(length).subarray(0, 3),
        Buffer.from([0, i % 30]),
        text.subarray(0, length - 1),
      ]);
    },
    'MongoDB messages': (i) => {
      const body = Buffer.concat([
        le32(i),
        le32(upTo(1000)),
        le32(2013),
        le32(0),
        noise(upTo(1200)),
      ]);
      return Buffer.concat([le32(body.length + 4), body]);
    },
    'MongoDB messages of all sizes': (i) =>
      Buffer.concat([
        le32(i * 256),
        le32(upTo(70_000)),
        le32(upTo(70_000)),
        le32(2013),
        Buffer.alloc(60),
      ]),
    'PostgreSQL startups': (i) =>
      Buffer.concat([
        be32(8 + (i % 200)),
        be32(196_608),
        Buffer.from('user\0me\0database\0db\0\0'),
      ]),
    'ZooKeeper requests': (i) =>
      Buffer.concat([
        be32(20 + (i % 3000)),
        be32(i),
        be32(upTo(16)),
        be32(upTo(100)),
        Buffer.from('/path/of/node'),
      ]),
    'records of TLS': (i) =>
      Buffer.concat([Buffer.from([20 + (i % 4), 3, i % 5]), be16(upTo(16_000)), noise(60)]),
    'Redis commands': (i) => Buffer.from(`*2\r\n$3\r\nGET\r\n$${i}\r\n`),
    'memcached commands': (i) => Buffer.from(`get key-${i}\r\n`),
    'memcached, binary': (i) =>
      Buffer.concat([
        Buffer.from([0x80 + (i % 2), i % 30]),
        be16(upTo(250)),
        Buffer.alloc(20),
        noise(40),
      ]),
    'DNS over TCP': () =>
      Buffer.concat([be16(29), noise(2), Buffer.from([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), noise(17)]),
    'AMQP frames': (i) =>
      Buffer.concat([Buffer.from([1 + (i % 3), 0, i % 100]), be32(upTo(500)), noise(50)]),
    'big-endian integers': (i) => Buffer.concat(Array.from({ length: 40 }, (_, n) => be32(i + n))),
    zeros: (i) => Buffer.alloc(1 + (i % 300)),
    text: (i) => Buffer.from(`some text ${i} `.repeat(20)),
  };
  for (const [what, make] of Object.entries(others)) {
    it(`in ${what}`, () => {
      for (let i = 0; i < 20_000; i++) {
        const bytes = make(i);
        const answer = said(bytes);
        if (answer !== '')
          expect([i, bytes.subarray(0, 40).toString('hex'), answer]).toBeUndefined();
      }
    });
  }

  it('in noise', () => {
    for (let i = 0; i < 100_000; i++) {
      const bytes = noise(40);
      bytes[0] = 0;
      expect(said(bytes)).toBe('');
    }
  });
});
