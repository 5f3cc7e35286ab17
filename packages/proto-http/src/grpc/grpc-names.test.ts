// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { grpcEncoding } from './content-type.js';
import { grpcMethod } from './method-name.js';
import { grpcOutcome, parseGrpcMessage, parseGrpcStatus } from './status.js';

describe('grpcEncoding', () => {
  it('knows the content types of gRPC', () => {
    const cases = {
      'application/grpc': 'grpc',
      'application/grpc+proto': 'grpc',
      'Application/GRPC; charset=x': 'grpc',
      'application/grpc-web': 'web',
      'application/grpc-web+proto': 'web',
      'application/grpc-web-text': 'web-text',
      'application/grpc-web-text+proto': 'web-text',
    };
    for (const [type, encoding] of Object.entries(cases)) expect(grpcEncoding(type)).toBe(encoding);
    for (const type of ['application/grpcx', 'application/json', '', undefined]) {
      expect(grpcEncoding(type)).toBeUndefined();
    }
  });
});

describe('grpcMethod', () => {
  it('takes a path apart', () => {
    expect(grpcMethod('/pkg.v1.Service/Method')).toEqual({
      service: 'pkg.v1.Service',
      method: 'Method',
    });
    expect(grpcMethod('/a/b/c')).toEqual({ service: 'a/b', method: 'c' });
    for (const path of [undefined, '', '/', '/x', '//x', '/x/', 'x/y', '*']) {
      expect(grpcMethod(path)).toBeUndefined();
    }
  });
});

describe('status', () => {
  it('is read from the field', () => {
    expect(['0', '16', '', '-1', '1.5', 'OK'].map(parseGrpcStatus)).toEqual([
      0,
      16,
      ...Array.from({ length: 4 }, () => undefined),
    ]);
    expect(parseGrpcMessage('50%25 %E2%9C%93 %zz')).toBe('50% ✓ %zz');
  });

  it('tells whose error it is', () => {
    const codes = Array.from({ length: 18 }, (_, code) => code);
    expect(codes.filter((code) => grpcOutcome(code) === 'ok')).toEqual([0]);
    expect(codes.filter((code) => grpcOutcome(code) === 'server-error')).toEqual([
      2, 4, 12, 13, 14, 15, 17,
    ]);
  });
});
