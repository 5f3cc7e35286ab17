// SPDX-License-Identifier: Apache-2.0
import type { RecordOf } from '@libtrace/core';
import { conversation, expectRecords, runFixture, type StepInput } from '@libtrace/testkit';
import { describe, expect, expectTypeOf, it } from 'vitest';
import memcached, { type MemcachedAttributes } from './index.js';

function records(...steps: StepInput[]) {
  return runFixture(memcached(), conversation(steps));
}

describe('memcached', () => {
  it('counts hits and bytes of a get of many keys', () => {
    expectRecords(
      records(
        ['client', 'get a b c\r\n'],
        ['server', 'VALUE a 0 1\r\nx\r\nVALUE c 0 2\r\nyz\r\nEND\r\n'],
      ),
    ).toEqual([
      {
        operation: 'get',
        status: 'ok',
        complete: true,
        attributes: {
          'libtrace.memcached.keys': ['a', 'b', 'c'],
          'libtrace.memcached.hit_count': 2,
          'libtrace.memcached.response.value_bytes': 3,
        },
      },
    ]);
  });

  it('does not take data for lines', () => {
    expectRecords(
      records(
        ['client', 'set a 0 0 12\r\nget b\r\nEND\r\n\r\n'],
        ['server', 'STORED\r\n'],
        ['client', 'get a\r\n'],
        ['server', 'VALUE a 0 12\r\nget b\r\nEND\r\n\r\nEND\r\n'],
      ),
    ).toEqual([
      { operation: 'set', attributes: { 'libtrace.memcached.request.value_bytes': 12 } },
      { operation: 'get', attributes: { 'libtrace.memcached.response.value_bytes': 12 } },
    ]);
  });

  it('expects no answer to noreply', () => {
    expectRecords(
      records(
        ['client', 'set a 0 0 1 noreply\r\nx\r\nget a\r\n'],
        ['server', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      ),
    ).toEqual([
      { operation: 'set', status: 'ok', complete: true, responseBytes: 0 },
      { operation: 'get', attributes: { 'libtrace.memcached.hit_count': 1 } },
    ]);
  });

  it('reports errors of the server and of the client', () => {
    expectRecords(
      records(
        ['client', 'set a 0 0 9\r\n123456789\r\n'],
        ['server', 'SERVER_ERROR object too large for cache\r\n'],
        ['client', 'incr a x\r\n'],
        ['server', 'CLIENT_ERROR invalid numeric delta argument\r\n'],
      ),
    ).toEqual([
      { status: 'server-error', attributes: { 'error.message': 'object too large for cache' } },
      { status: 'client-error', attributes: { 'libtrace.memcached.result': 'CLIENT_ERROR' } },
    ]);
  });

  it('says what a response lacks that began in a hole', () => {
    const damaged = runFixture(
      memcached(),
      conversation([
        ['client', 'get a\r\n'],
        ['server', 'VALUE a 0 1\r\nx\r\nEND\r\n'],
        ['client', 'get a b\r\n'],
        ['server', '', 14],
        ['server', '1\r\nVALUE b 0 1\r\ny\r\nEND\r\n'],
      ]),
    );
    expect(damaged[1]).toMatchObject({ complete: false });
    expect(damaged[1]!.missing).toContain('response.head');
    expect(damaged[1]!.attributes['libtrace.memcached.hit_count']).toBeUndefined();
  });

  it('leaves a connection alone when order does not say what is answered', () => {
    const steps: StepInput[] = [
      ['client', 'get a\r\n'],
      ['server', 'END\r\n'],
      ['client', 'mg a v q\r\nmg b v q\r\nmn\r\n'],
      ['server', 'VA 1\r\nx\r\nMN\r\n'],
      ['client', 'get a\r\n'],
      ['server', 'END\r\n'],
    ];
    expectRecords(runFixture(memcached(), conversation(steps), { hint: true })).toEqual([
      { operation: 'get', complete: true },
    ]);
  });

  it('has typed records', () => {
    expectTypeOf<RecordOf<ReturnType<typeof memcached>>['protocol']>().toEqualTypeOf<'memcached'>();
    expectTypeOf<
      RecordOf<ReturnType<typeof memcached>>['attributes']
    >().toEqualTypeOf<MemcachedAttributes>();
  });
});
