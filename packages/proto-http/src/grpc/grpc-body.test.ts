// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GrpcEncoding } from './content-type.js';
import { GrpcBody } from './grpc-body.js';

const message = (text: string, flags = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
};
const trailers = (text: string): Buffer => message(text, 0x80);

function read(encoding: GrpcEncoding, bytes: Buffer, cuts: readonly number[] = []): GrpcBody {
  const body = new GrpcBody(encoding);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut < from || cut > bytes.length) continue;
    body.read(bytes, from, cut);
    from = cut;
  }
  return body;
}

describe('GrpcBody', () => {
  const three = Buffer.concat([message('one'), message(''), message('three', 1)]);

  it('counts messages, empty and compressed ones too', () => {
    expect(read('grpc', three).messages).toBe(3);
    expect(read('grpc', three.subarray(0, -1)).messages).toBe(2);
    expect(read('grpc', Buffer.alloc(0)).messages).toBe(0);
  });

  it('counts them wherever the bytes are cut', () => {
    for (let a = 0; a <= three.length; a++) {
      for (let b = a; b <= three.length; b++) expect(read('grpc', three, [a, b]).messages).toBe(3);
    }
  });

  it('steps over what is inside of a message', () => {
    const body = new GrpcBody('grpc');
    const big = message('x'.repeat(100));
    body.read(big, 0, 15);
    expect(body.skippable).toBe(90);
    body.skip(80);
    expect(body.messages).toBe(0);
    body.skip(10);
    expect(body.messages).toBe(1);
    body.read(big, 0, 3);
    expect(body.skippable).toBe(0);
    body.skip(1);
    expect(body.messages).toBeUndefined();
    body.read(three, 0, three.length);
    expect(body.messages).toBeUndefined();
  });

  it('does not take for messages what has impossible flags', () => {
    expect(read('grpc', message('x', 2)).messages).toBeUndefined();
    expect(read('grpc', trailers('x')).messages).toBeUndefined();
  });

  it('finds the trailers of gRPC-Web in the body', () => {
    const bytes = Buffer.concat([
      message('one'),
      trailers('grpc-status: 5\r\nGrpc-Message:not%20found %E2%82%AC\r\n'),
    ]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const body = read('web', bytes, [cut]);
      expect(body.messages).toBe(1);
      expect(body.end).toEqual({ status: 5, message: 'not found €' });
    }
    expect(read('web', Buffer.concat([bytes, message('late')])).messages).toBeUndefined();
    expect(read('web', trailers('grpc-status: x')).end).toEqual({});
  });

  it('decodes gRPC-Web text, message by message or as a whole', () => {
    const parts = [message('one'), message('four'), trailers('grpc-status:0\r\n')];
    const texts = [
      Buffer.concat(parts).toString('base64'),
      parts.map((part) => part.toString('base64')).join(''),
    ];
    for (const text of texts.map((each) => Buffer.from(each))) {
      for (let cut = 0; cut <= text.length; cut++) {
        const body = read('web-text', text, [cut]);
        expect([body.messages, body.end?.status, body.skippable]).toEqual([2, 0, 0]);
      }
    }
    expect(read('web-text', Buffer.from('AA{A')).messages).toBeUndefined();
    expect(read('web-text', Buffer.from('A===')).messages).toBeUndefined();
  });

  it('decodes long gRPC-Web text', () => {
    const text = Buffer.from(message('x'.repeat(50_000)).toString('base64').repeat(3));
    expect(read('web-text', text).messages).toBe(3);
  });

  it('keeps a bounded part of trailers', () => {
    const body = read('web', trailers(`grpc-status: 1\r\n${'x'.repeat(100_000)}`));
    expect(body.end?.status).toBe(1);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<GrpcEncoding>('grpc', 'web', 'web-text'),
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(100),
        (encoding, bytes, skipped) => {
          const body = new GrpcBody(encoding);
          body.read(Buffer.from(bytes), 0, bytes.length);
          body.skip(skipped);
          body.read(Buffer.from(bytes), 0, bytes.length);
          expect(body.messages ?? 0).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});
