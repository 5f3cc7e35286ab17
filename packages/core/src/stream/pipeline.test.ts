// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pairs, testPipeline, toyMessage } from './toy-protocol.test-support.js';

describe('Pipeline', () => {
  it('reports an exchange of one request and one response', () => {
    const { connection, records, verdicts } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 10));
    connection.move('out', toyMessage('S', 1, 20));
    expect(pairs(records)).toEqual(['1/1']);
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
    expect(records[0]).toMatchObject({
      protocol: 'toy',
      operation: '1',
      status: 'ok',
      complete: true,
      role: 'server',
      requestBytes: 28,
      responseBytes: 38,
      durationMs: 0.0011,
      startTime: '2023-11-14T22:13:21.000001000Z',
    });
  });
});
