// SPDX-License-Identifier: Apache-2.0
// gRPC-Web (gRPC's PROTOCOL-WEB document) over HTTP/1.1 and HTTP/2, made by hand, through the whole pipeline.
import { describe, expect, it } from 'vitest';
import { indexed, literal } from '../hpack/encoder.test-support.js';
import { data, headers, preface, settings } from '../http2/frames.test-support.js';
import { type Conversation, type HttpRecord, replay } from '../traffic.test-support.js';

const message = (text: string, flags = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
};
const asked = message('question');
const answered = (status: number, text = ''): Buffer =>
  Buffer.concat([
    message('first'),
    message('second'),
    message(`grpc-status: ${status}\r\ngrpc-message: ${text}\r\n`, 0x80),
  ]);

type Framing = 'length' | 'chunked' | 'close';

function http1(type: string, request: Buffer, response: Buffer, framing: Framing): Conversation {
  const head = [
    'POST /pkg.Web/Ask HTTP/1.1',
    'Host: h',
    `Content-Type: ${type}`,
    `Content-Length: ${request.length}`,
  ];
  const answer = ['HTTP/1.1 200 OK', `Content-Type: ${type}`];
  let body = response;
  if (framing === 'length') answer.push(`Content-Length: ${body.length}`);
  if (framing === 'chunked') {
    answer.push('Transfer-Encoding: chunked');
    const half = Math.floor(body.length / 2);
    body = Buffer.concat([chunk(body.subarray(0, half)), chunk(body.subarray(half)), chunk('')]);
  }
  const lines = (all: readonly string[]): Buffer => Buffer.from([...all, '', ''].join('\r\n'));
  return {
    moves: [
      { from: 'client', bytes: Buffer.concat([lines(head), request]) },
      { from: 'server', bytes: Buffer.concat([lines(answer), body]) },
    ],
  };
}

function chunk(bytes: Buffer | string): Buffer {
  const body = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
}

function http2(type: string, request: Buffer, response: Buffer): Conversation {
  const fields = [indexed(3), indexed(6), literal(4, '/pkg.Web/Ask'), literal(31, type)];
  return {
    moves: [
      {
        from: 'client',
        bytes: Buffer.concat([
          preface,
          settings(),
          headers(1, fields),
          data(1, request, { endStream: true }),
        ]),
      },
      {
        from: 'server',
        bytes: Buffer.concat([
          settings(),
          headers(1, [indexed(8), literal(31, type)]),
          data(1, response.subarray(0, 13)),
          data(1, response.subarray(13), { endStream: true }),
        ]),
      },
    ],
  };
}

const told = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ operation, status, complete, attributes }) => [
    operation,
    status,
    attributes['rpc.grpc.status_code'],
    attributes['error.message'],
    attributes['libtrace.grpc.request_messages'],
    attributes['libtrace.grpc.response_messages'],
    complete,
  ]);

describe('gRPC-Web', () => {
  const variants = {
    'application/grpc-web+proto': (bytes: Buffer) => bytes,
    'application/grpc-web-text': (bytes: Buffer) => Buffer.from(bytes.toString('base64')),
  };
  for (const [type, encode] of Object.entries(variants)) {
    const ok = ['pkg.Web/Ask', 'ok', 0, undefined, 1, 2, true];
    const failed = ['pkg.Web/Ask', 'client-error', 5, 'no such thing', 1, 2, true];
    const bodies = [
      [encode(answered(0)), ok],
      [encode(answered(5, 'no such thing')), failed],
    ] as const;

    for (const framing of ['length', 'chunked', 'close'] as const) {
      it(`is read over HTTP/1.1: ${type}, body by ${framing}`, () => {
        for (const [body, wanted] of bodies) {
          const conversation = http1(type, encode(asked), body, framing);
          for (const chunks of [1, 3, 20, 10_000]) {
            const { records } = replay(conversation, { chunks });
            expect(told(records)).toEqual([wanted]);
            const size = records[0]?.attributes['http.response.body.size'];
            expect(size).toBe(body.length);
          }
        }
      });
    }

    it(`is read over HTTP/2: ${type}`, () => {
      for (const [body, wanted] of bodies) {
        const conversation = http2(type, encode(asked), body);
        for (const chunks of [1, 3, 20, 10_000]) {
          expect(told(replay(conversation, { chunks }).records)).toEqual([wanted]);
        }
      }
    });
  }

  it('may say in the head how the call ended', () => {
    const conversation: Conversation = {
      moves: [
        http1('application/grpc-web', asked, Buffer.alloc(0), 'length').moves[0]!,
        {
          from: 'server',
          bytes: Buffer.from(
            'HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nGrpc-Status: 16\r\n' +
              'Grpc-Message: log%20in\r\nContent-Length: 0\r\n\r\n',
          ),
        },
      ],
    };
    expect(told(replay(conversation).records)).toEqual([
      ['pkg.Web/Ask', 'client-error', 16, 'log in', 1, 0, true],
    ]);
  });

  it('does not count what it does not see', () => {
    const body = Buffer.concat([message('x'.repeat(300)), answered(0)]);
    for (const framing of ['length', 'chunked', 'close'] as const) {
      const conversation = http1('application/grpc-web', asked, body, framing);
      const { length } = conversation.moves[1]!.bytes;
      const inMessage = { move: 1, from: length - 300, to: length - 280 };
      const [within] = replay(conversation, { hole: inMessage }).records;
      expect(within?.attributes['libtrace.grpc.response_messages']).toBe(3);
      expect(within?.attributes['rpc.grpc.status_code']).toBe(0);
      expect(within?.missing).toContain('response.body');
      const overPrefix = { move: 1, from: length - 60, to: length - 50 };
      for (const { attributes, status } of replay(conversation, { hole: overPrefix }).records) {
        expect(attributes['libtrace.grpc.response_messages']).toBeUndefined();
        expect(attributes['rpc.grpc.status_code']).toBeUndefined();
        expect(status).toBe('unknown');
      }
    }
  });
});
