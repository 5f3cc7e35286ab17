// SPDX-License-Identifier: Apache-2.0
// Frames made by hand through the whole pipeline: what is lost, and what must not be guessed.
import { describe, expect, it } from 'vitest';
import { indexed, inserted, literal, tableSize } from '../hpack/encoder.test-support.js';
import {
  type Conversation,
  type HttpRecord,
  type Replay,
  replay,
} from '../traffic.test-support.js';
import {
  data,
  frame,
  goaway,
  headers,
  preface,
  pushPromise,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from './frames.test-support.js';

const GET = indexed(2);
const POST = indexed(3);
const HTTP = indexed(6);
const OK = indexed(8);
const DYNAMIC = 62;
const path = (value: string): Buffer => literal(4, value);
const opening = Buffer.concat([preface, settings([3, 100])]);

type Move = readonly ['client' | 'server', ...(readonly Buffer[])];

function conversation(...moves: readonly Move[]): Conversation {
  return { moves: moves.map(([from, ...bytes]) => ({ from, bytes: Buffer.concat(bytes) })) };
}

function recordsOf(moves: readonly Move[], how: Replay = {}): HttpRecord[] {
  return replay(conversation(...moves), how).records;
}

const summary = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ operation, status, missing, attributes }) => [
    operation,
    attributes['url.path'] ?? '-',
    status,
    attributes['http.response.status_code'] ?? '-',
    attributes['http.response.body.size'] ?? '-',
    [...missing].sort().join(),
  ]);

const ask = (stream: number, ...fields: readonly Buffer[]): Buffer =>
  headers(stream, [GET, HTTP, ...fields], { endStream: true });
const answer = (stream: number, body: string): Buffer =>
  Buffer.concat([headers(stream, [OK]), data(stream, body, { endStream: true })]);

describe('holes', () => {
  const hole = (move: number, from: number, to: number): Replay => ({ hole: { move, from, to } });

  it('in a body cost nothing but bytes', () => {
    const body = 'x'.repeat(3000);
    const moves: Move[] = [
      ['client', opening, ask(1, path('/a'))],
      ['server', settings(), headers(1, [OK]), data(1, body), data(1, body, { endStream: true })],
      ['client', ask(3, path('/b'))],
      ['server', answer(3, 'b')],
    ];
    expect(summary(recordsOf(moves, hole(1, 100, 2900)))).toEqual([
      ['GET', '/a', 'ok', 200, 6000, 'response.body'],
      ['GET', '/b', 'ok', 200, 1, ''],
    ]);
  });

  it('over frame headers make sizes lower bounds, and the table unknown', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, inserted(4, '/a'))],
      ['server', settings(), headers(1, [OK, inserted(54, 'me')]), data(1, 'x'.repeat(500))],
      ['server', data(1, 'y'.repeat(500), { endStream: true })],
      ['client', ask(3, indexed(DYNAMIC))],
      ['server', headers(3, [OK, indexed(DYNAMIC)], { endStream: true })],
      ['client', ask(5, indexed(DYNAMIC))],
      ['server', headers(5, [OK, inserted(54, 'you'), indexed(DYNAMIC)], { endStream: true })],
    ];
    const how = { ...hole(1, 300, 600), options: { responseHeaders: ['server'] } };
    const whole = recordsOf(moves, { options: how.options });
    expect(summary(whole).map((row) => (row as unknown[])[5])).toEqual(['', '', '']);
    const records = recordsOf(moves, how);
    expect(summary(records)).toEqual([
      ['GET', '/a', 'ok', 200, 1000, 'response.body'],
      ['GET', '/a', 'ok', 200, 0, ''],
      ['GET', '/a', 'ok', 200, 0, ''],
    ]);
    // the end of the first DATA frame, and the header of the second
    const lost = [...moves];
    lost.splice(1, 2, ['server', ...[moves[1]!, moves[2]!].flatMap(([, ...bytes]) => bytes)]);
    const at = Buffer.concat(lost[1]!.slice(1) as Buffer[]).length - 505;
    const after = recordsOf(lost, { ...hole(1, at, at + 200), options: how.options });
    expect(summary(after)).toEqual(
      [
        ['GET', '/a', 'ok', 200, 0, 'response.head'],
        ['GET', '/a', 'ok', 200, 0, 'response.head'],
        ['GET', '/a', 'ok', 200, 500, 'response.body,response.size'],
      ].map((row, i) => (i === 1 ? ['GET', '/a', 'ok', 200, 0, ''] : row)),
    );
    expect(after[0]?.attributes['libtrace.http.unknown_response_headers']).toBe(1);
    expect(after[0]?.attributes['http.response.header.server']).toBeUndefined();
    expect(after[1]?.attributes['http.response.header.server']).toEqual(['you', 'you']);
  });

  it('in a head yield what stands before them, and make the table unknown', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, inserted(4, '/a'), inserted('x-long', 'v'.repeat(500)))],
      ['server', answer(1, 'a')],
      ['client', ask(3, indexed(DYNAMIC + 1))],
      ['server', answer(3, 'b')],
      ['client', ask(5, inserted(4, '/c'))],
      ['server', answer(5, 'c')],
      ['client', ask(7, indexed(DYNAMIC))],
      ['server', answer(7, 'd')],
    ];
    const start = opening.length + 100;
    const records = recordsOf(moves, hole(0, start, start + 50));
    expect(summary(records)).toEqual([
      ['GET', '/a', 'ok', 200, 1, 'request.body,request.head'],
      ['GET', '-', 'ok', 200, 1, 'request.head'],
      ['GET', '/c', 'ok', 200, 1, ''],
      ['GET', '/c', 'ok', 200, 1, ''],
    ]);
    expect(records[1]?.attributes['libtrace.http.unknown_request_headers']).toBe(1);
  });

  it('in the continuation of a head do the same', () => {
    const long = inserted('x-long', 'v'.repeat(500));
    const moves: Move[] = [
      [
        'client',
        opening,
        headers(1, [GET, HTTP, path('/a'), long], { split: 100, endStream: true }),
      ],
      ['server', answer(1, 'a')],
      ['client', ask(3, path('/b'), indexed(DYNAMIC))],
      ['server', answer(3, 'b')],
    ];
    expect(summary(recordsOf(moves))).toEqual([
      ['GET', '/a', 'ok', 200, 1, ''],
      ['GET', '/b', 'ok', 200, 1, ''],
    ]);
    const start = opening.length + 300;
    for (const [from, to] of [
      [start, start + 20],
      [start, start + 150],
    ] as const) {
      const records = recordsOf(moves, hole(0, from, to));
      expect(summary(records)).toContainEqual(['GET', '/b', 'ok', 200, 1, 'request.head']);
      expect(records.length).toBe(2);
      for (const { missing, attributes } of records) {
        expect(['/a', '/b', undefined]).toContain(attributes['url.path']);
        expect(missing).not.toEqual([]);
      }
    }
  });

  it('that hide the end of a stream leave it open until 30 s have passed', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, path('/a')), ask(3, path('/b'))],
      ['server', settings(), answer(1, 'a'.repeat(300)), answer(3, 'b')],
      ['server', windowUpdate(0, 1000)],
    ];
    const lost = hole(1, 200, 9 + 11 + 309 + 10 + 10 + 10);
    expect(summary(recordsOf(moves, { ...lost, closes: false }))).toEqual([
      ['GET', '/a', 'ok', 200, 300, 'response.body'],
      ['GET', '/b', 'unknown', '-', '-', 'response'],
    ]);
  });
});

describe('a connection that was joined late', () => {
  it('says what it does not know, and knows what came since', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, inserted(4, '/a'), inserted(58, 'me'))],
      ['server', settings(), headers(1, [OK, inserted(54, 's')], { endStream: true })],
      ['client', settingsAck, ask(3, indexed(DYNAMIC + 1), indexed(DYNAMIC))],
      ['server', headers(3, [OK, indexed(DYNAMIC)], { endStream: true })],
      ['client', ask(5, inserted(4, '/c'), indexed(DYNAMIC + 1))],
      ['server', headers(5, [OK, inserted(54, 't')], { endStream: true })],
      ['client', ask(7, indexed(DYNAMIC), inserted(58, 'you'))],
      ['server', headers(7, [OK, indexed(DYNAMIC)], { endStream: true })],
      ['client', ask(9, indexed(DYNAMIC + 1), indexed(DYNAMIC))],
      ['server', headers(9, [OK, indexed(DYNAMIC)], { endStream: true })],
    ];
    for (const role of ['server', 'client', 'unknown'] as const) {
      const how = {
        role,
        joinAt: { move: 2, offset: 0 },
        options: { responseHeaders: ['server'] },
      } as const;
      const records = recordsOf(moves, how);
      expect(
        records.map(({ attributes, missing }) => [
          attributes['libtrace.http.stream_id'],
          attributes['url.path'],
          attributes['user_agent.original'],
          attributes['libtrace.http.unknown_request_headers'],
          attributes['http.response.header.server'],
          attributes['libtrace.http.unknown_response_headers'],
          missing.join(),
        ]),
        role,
      ).toEqual([
        [3, undefined, undefined, 2, undefined, 1, 'request.head,response.head'],
        [5, '/c', undefined, 1, ['t'], undefined, 'request.head'],
        [7, '/c', 'you', undefined, ['t'], undefined, ''],
        [9, '/c', 'you', undefined, ['t'], undefined, ''],
      ]);
    }
  });

  it('reports what was in progress by what it sees of it', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, path('/a')), headers(3, [POST, HTTP, path('/b')])],
      ['server', settings(), headers(1, [OK]), data(1, 'first')],
      ['client', data(3, 'more', { endStream: true })],
      ['server', data(1, 'second', { endStream: true })],
      ['server', headers(3, [OK], { endStream: true })],
      ['client', ask(5, path('/c'))],
      ['server', answer(5, 'c')],
    ];
    const records = recordsOf(moves, { joinAt: { move: 2, offset: 0 } });
    expect(
      records.map(({ operation, attributes, missing }) => [
        operation,
        attributes['libtrace.http.stream_id'],
        attributes['url.path'],
        attributes['http.request.body.size'],
        attributes['http.response.body.size'],
        [...missing].sort().join(),
      ]),
    ).toEqual([
      ['HTTP', 3, undefined, 4, 0, 'request.body,request.head,request.size'],
      ['GET', 5, '/c', 0, 1, ''],
    ]);
  });

  it('takes the limit of a table from the encoder, and 0 empties it', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, inserted(4, '/a'))],
      ['server', answer(1, '')],
      [
        'client',
        headers(3, [tableSize(0), tableSize(4096), GET, HTTP, path('/b')], { endStream: true }),
      ],
      ['server', answer(3, '')],
      ['client', ask(5, inserted(4, '/c'))],
      ['server', answer(5, '')],
      ['client', ask(7, indexed(DYNAMIC))],
      ['server', answer(7, '')],
    ];
    const records = recordsOf(moves, { joinAt: { move: 2, offset: 0 } });
    expect(records.map(({ attributes }) => attributes['url.path'])).toEqual(['/b', '/c', '/c']);
  });
});

describe('frames', () => {
  it('that mean nothing to a call are stepped over, of unknown types too', () => {
    const ping = frame(6, 0, 0, Buffer.alloc(8));
    const unknown = frame(0xfa, 0x77, 3, Buffer.alloc(50, 'u'));
    const priority = frame(2, 0, 9, Buffer.alloc(5));
    const noise = Buffer.concat([ping, unknown, priority, windowUpdate(0, 1), settingsAck]);
    const moves: Move[] = [
      ['client', opening, noise, ask(1, path('/a')), noise],
      [
        'server',
        settings(),
        noise,
        headers(1, [OK]),
        noise,
        data(1, 'a', { endStream: true }),
        noise,
      ],
    ];
    expect(summary(recordsOf(moves))).toEqual([['GET', '/a', 'ok', 200, 1, '']]);
  });

  it('may be padded and have priorities', () => {
    const shape = { padding: 7, priority: true, endStream: true };
    const moves: Move[] = [
      ['client', opening, headers(1, [GET, HTTP, path('/a')], { ...shape, split: 5 })],
      [
        'server',
        settings(),
        headers(1, [OK], { padding: 255 }),
        data(1, 'abc', { padding: 100 }),
        data(1, '', { padding: 3, endStream: true }),
      ],
    ];
    for (const chunks of [1, 5, 1000]) {
      expect(summary(recordsOf(moves, { chunks }))).toEqual([['GET', '/a', 'ok', 200, 3, '']]);
    }
  });

  it('that are malformed are refused, and reading goes on behind them', () => {
    const malformed = [
      data(0, 'x'),
      frame(0, 8, 1, Buffer.from([200, 1, 2])),
      frame(1, 0x0c, 1, Buffer.from([200, 1, 2])),
      frame(4, 0, 0, Buffer.alloc(5)),
      frame(6, 0, 0, Buffer.alloc(7)),
      frame(3, 0, 1, Buffer.alloc(5)),
      frame(8, 0, 1, Buffer.alloc(3)),
      frame(7, 0, 0, Buffer.alloc(7)),
      frame(9, 4, 1, Buffer.from([0x82])),
    ];
    for (const bad of malformed) {
      const moves: Move[] = [
        ['client', opening, ask(1, path('/a'))],
        ['server', settings(), answer(1, 'a')],
        ['client', bad, ask(3, path('/b')), settingsAck],
        ['server', answer(3, 'b')],
      ];
      expect(summary(recordsOf(moves)), bad.toString('hex')).toEqual([
        ['GET', '/a', 'ok', 200, 1, ''],
        ['GET', '/b', 'ok', 200, 1, ''],
      ]);
    }
  });

  it('end streams: resets, GOAWAY, and what comes too late', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, path('/a')), ask(3, path('/b')), ask(5, path('/c'))],
      ['server', settings(), headers(1, [OK]), headers(3, [OK])],
      ['client', reset(1, 8)],
      ['server', data(1, 'too late', { endStream: true }), goaway(3, 0, 'bye')],
      ['client', ask(7, path('/d'))],
      ['server', data(3, 'x', { endStream: true })],
    ];
    const records = recordsOf(moves);
    expect(summary(records)).toEqual([
      ['GET', '/a', 'client-error', 200, 0, ''],
      ['GET', '/c', 'unanswered', '-', '-', 'response'],
      ['GET', '/b', 'ok', 200, 1, ''],
      ['GET', '/d', 'unanswered', '-', '-', 'response'],
    ]);
    expect(records.map(({ attributes }) => attributes['libtrace.http.goaway_code'])).toEqual([
      undefined,
      'NO_ERROR',
      undefined,
      'NO_ERROR',
    ]);
  });

  it('promise what was not asked for', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, path('/a'))],
      [
        'server',
        settings(),
        pushPromise(1, 2, [GET, HTTP, path('/pushed')]),
        answer(1, 'a'),
        answer(2, 'pushed'),
      ],
    ];
    expect(summary(recordsOf(moves))).toEqual([
      ['GET', '/a', 'ok', 200, 1, ''],
      ['GET', '/pushed', 'ok', 200, 6, ''],
    ]);
  });

  it('of interim responses are not the response, though its status is only known by order', () => {
    const moves: Move[] = [
      ['client', opening, ask(1, path('/a')), ask(3, path('/b'))],
      [
        'server',
        settings(),
        headers(1, [inserted(8, '100')]),
        headers(1, [inserted(8, '201')], { endStream: true }),
      ],
      [
        'server',
        headers(3, [indexed(DYNAMIC + 1)]),
        headers(3, [indexed(DYNAMIC)], { endStream: true }),
      ],
    ];
    expect(summary(recordsOf(moves))).toEqual([
      ['GET', '/a', 'ok', 201, 0, ''],
      ['GET', '/b', 'ok', 201, 0, ''],
    ]);
  });

  it('of a side that was taken for the other are refused until the truth is found', () => {
    const moves: Move[] = [['client', opening, ask(1, path('/a'))]];
    for (let i = 0; i < 20; i++)
      moves.push(['server', answer(1 + 2 * i, 'a')], ['client', ask(3 + 2 * i, path('/a'))]);
    const records = recordsOf(moves, { role: 'unknown', joinAt: { move: 1, offset: 0 } });
    expect(records.length).toBeGreaterThan(15);
    for (const { attributes } of records) {
      expect(['/a', undefined]).toContain(attributes['url.path']);
      expect([200, undefined]).toContain(attributes['http.response.status_code']);
    }
  });
});

describe('memory', () => {
  it('holds a bounded number of streams', () => {
    const moves: Move[] = [['client', opening]];
    for (let i = 0; i < 5000; i++) moves.push(['client', ask(1 + 2 * i, path(`/${i}`))]);
    const records = recordsOf(moves);
    expect(records.length).toBe(5000);
    expect(records[0]).toMatchObject({ status: 'unknown', missing: ['response'] });
    expect(records[0]?.attributes['url.path']).toBe('/0');
    expect(records[4999]).toMatchObject({ status: 'unanswered' });
  });

  it('keeps a bounded part of what heads say', () => {
    const many = Array.from({ length: 3000 }, (_, i) => literal('x-many', `value ${i}`.repeat(10)));
    const moves: Move[] = [
      [
        'client',
        opening,
        headers(1, [GET, HTTP, path('/a'), ...many], { split: 16_000, endStream: true }),
      ],
      ['server', settings(), answer(1, 'a')],
    ];
    const records = recordsOf(moves, { options: { requestHeaders: ['x-many'] } });
    expect(summary(records)).toEqual([['GET', '/a', 'ok', 200, 1, 'request.head']]);
    const kept = records[0]?.attributes['http.request.header.x-many'] ?? [];
    expect(kept.length).toBe(256);
  });

  it('does not collect a header block without end', () => {
    const flood = frame(9, 0, 1, Buffer.alloc(16_000, 0x82));
    const moves: Move[] = [
      ['client', opening, frame(1, 1, 1, Buffer.concat([GET, HTTP, path('/a')]))],
      ...Array.from({ length: 100 }, (): Move => ['client', flood]),
      ['client', frame(9, 4, 1, Buffer.from([0x82])), ask(3, path('/b'))],
      ['server', answer(1, 'a'), answer(3, 'b')],
    ];
    expect(summary(recordsOf(moves))).toEqual([
      ['GET', '/a', 'ok', 200, 1, 'request.head'],
      ['GET', '/b', 'ok', 200, 1, ''],
    ]);
  });
});
