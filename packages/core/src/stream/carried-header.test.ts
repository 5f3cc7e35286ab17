// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Inference } from '../plugin/index.js';
import { pairs, testPipeline, toyMessage } from './toy-protocol.test-support.js';

/** Looks at the whole length, so that the head alone tells nothing; there is a request only. */
const inference = (strength: 'certain' | 'likely'): Inference => ({
  rules: [
    {
      says: 'request',
      strength,
      when: {
        kind: 'all',
        of: [
          { kind: 'cmp', op: 'eq', left: { length: true }, right: 23 },
          { kind: 'bytes', at: 0, anyOf: ['~Q'] },
        ],
      },
    },
  ],
  carryHeaderBytes: 4,
});
const certain = inference('certain');

const message = (id: number) => toyMessage('Q', id, 5);

describe('a header that is read by a call of its own', () => {
  it('is shown to the rules with what the next call reads', () => {
    const { connection, records, verdicts } = testPipeline({ toy: { inference: certain } });
    connection.move('in', message(1).subarray(0, 4));
    expect(verdicts).toEqual([]);
    connection.move('in', message(1).subarray(4));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['1/1']);
  });

  it('is not when it is longer, not wholly captured, or of the other direction', () => {
    const rest = message(1).subarray(4);
    const { connection, verdicts } = testPipeline({ toy: { inference: certain } });
    connection.move('in', message(1).subarray(0, 5));
    connection.move('in', message(1).subarray(5));
    connection.move('in', message(1).subarray(0, 3), { length: 4 });
    connection.move('in', rest);
    connection.move('out', message(1).subarray(0, 4));
    connection.move('in', rest);
    expect(verdicts).toEqual([]);
  });

  it('is forgotten when anything comes between', () => {
    const { connection, verdicts } = testPipeline({ toy: { inference: certain } });
    connection.move('in', message(1).subarray(0, 4));
    connection.move('out', Buffer.from('between'));
    connection.move('in', message(1).subarray(4));
    connection.move('in', message(1).subarray(0, 4));
    connection.make('in', Buffer.from('lost'));
    connection.move('in', message(1).subarray(4));
    expect(verdicts).toEqual([]);
  });

  it('is not what was itself put behind a header', () => {
    const { connection, verdicts } = testPipeline({ toy: { inference: certain } });
    connection.move('in', Buffer.from('a'));
    connection.move('in', message(1).subarray(0, 4));
    connection.move('in', message(1).subarray(4));
    expect(verdicts).toEqual([]);
    connection.move('in', message(2).subarray(0, 4));
    connection.move('in', message(2).subarray(4));
    expect(verdicts).toHaveLength(1);
  });

  it('does not interrupt a row of likely matches', () => {
    const { connection, verdicts, records } = testPipeline({
      toy: { inference: inference('likely') },
    });
    for (const id of [1, 2]) {
      expect(verdicts).toEqual([]);
      connection.move('in', message(id).subarray(0, 4));
      connection.move('in', message(id).subarray(4));
      connection.move('out', toyMessage('S', id, 5));
    }
    expect(verdicts).toHaveLength(1);
    expect(pairs(records)).toEqual(['1/1', '2/2']);
  });

  it('is judged with what follows it, which may interrupt a row', () => {
    const { connection, verdicts } = testPipeline({ toy: { inference: inference('likely') } });
    connection.move('in', message(1));
    connection.move('out', toyMessage('S', 1, 5));
    connection.move('in', Buffer.from('some'));
    connection.move('in', Buffer.from('thing else'));
    connection.move('out', toyMessage('S', 2, 5));
    connection.move('in', message(3));
    expect(verdicts).toEqual([]);
  });

  it('is part of the message that the kernel has named by it', () => {
    const { connection, records, verdicts } = testPipeline({
      toy: { inference: certain },
      info: { role: 'unknown', midstream: true },
    });
    connection.move('in', Buffer.from('the end of something else'));
    connection.move('in', message(1).subarray(0, 4));
    connection.move('in', message(1).subarray(4), { hint: 'toy' });
    connection.move('out', toyMessage('S', 1, 5), { hint: 'toy' });
    expect(verdicts).toEqual([]);
    expect(pairs(records)).toEqual(['1/1']);
    expect(records[0]?.role).toBe('server');
  });

  it('never keeps a connection of short segments from being given up', () => {
    const { connection, verdicts } = testPipeline({ toy: { inference: certain } });
    for (let i = 0; i < 20; i++) {
      connection.move('in', Buffer.from('a'));
      connection.move('out', Buffer.from('a'));
    }
    expect(verdicts).toEqual([{ kind: 'ignore' }]);
  });
});

describe('a row of likely matches', () => {
  it('begins anew where bytes were not seen', () => {
    const { connection, verdicts } = testPipeline({ toy: { inference: inference('likely') } });
    connection.move('in', message(1));
    connection.make('in', Buffer.from('lost'));
    connection.move('in', message(2));
    expect(verdicts).toEqual([]);
    connection.move('in', message(3));
    expect(verdicts).toHaveLength(1);
  });
});
