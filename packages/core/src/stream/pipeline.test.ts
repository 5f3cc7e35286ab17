// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Message } from '../plugin/index.js';
import {
  pairs,
  testPipeline,
  testProcess,
  toyMessage,
  type ToyFrame,
} from './toy-protocol.test-support.js';

describe('records', () => {
  it('tell who asked whom, when, and how much', () => {
    const { connection, records, verdicts } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 10));
    connection.move('out', toyMessage('S', 1, 20));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      protocol: 'toy',
      operation: '1',
      status: 'ok',
      complete: true,
      missing: [],
      role: 'server',
      source: 'recording',
      startNs: 1_000_001_000,
      startTime: '2023-11-14T22:13:21.000001000Z',
      durationMs: 0.0011,
      requestBytes: 28,
      responseBytes: 38,
      process: { ...testProcess, tid: 43 },
      connection: {
        id: 1,
        transport: 'tcp',
        client: { address: '10.0.0.2', port: 50000 },
        server: { address: '10.0.0.1', port: 7000 },
      },
    });
  });

  it('take the process and thread of the segment in which the request began', () => {
    const { connection, records } = testPipeline();
    const message = toyMessage('Q', 1, 10);
    connection.move('in', message.subarray(0, 5), { tid: 7 });
    connection.move('in', message.subarray(5), { tid: 8 });
    connection.move('out', toyMessage('S', 1, 0), { tid: 9 });
    expect(records[0]?.process.tid).toBe(7);
  });

  it('span from the first byte of the request to the last of the response', () => {
    const { connection, records } = testPipeline();
    const [request, response] = [toyMessage('Q', 1, 10), toyMessage('S', 1, 90)];
    for (let i = 0; i < 4; i++) connection.move('in', request.subarray(i * 7, i * 7 + 7));
    for (let i = 0; i < 4; i++) connection.move('out', response.subarray(i * 27, i * 27 + 27));
    expect(records[0]?.startNs).toBe(1e9 + 1000);
    expect(records[0]?.durationMs).toBe(0.0071);
  });

  it('of a client name the local end as client', () => {
    const { connection, records } = testPipeline({ info: { role: 'client' } });
    connection.move('out', toyMessage('Q', 1, 0));
    connection.move('in', toyMessage('S', 1, 0));
    expect(records[0]).toMatchObject({
      role: 'client',
      connection: { client: { address: '10.0.0.1' }, server: { address: '10.0.0.2' } },
    });
  });
});

describe('streams', () => {
  it('find a message split at every byte', () => {
    for (const parts of [false, true]) {
      const { connection, records } = testPipeline({ toy: { parts } });
      for (const byte of toyMessage('Q', 1, 30)) connection.move('in', Buffer.of(byte));
      for (const byte of toyMessage('S', 1, 30)) connection.move('out', Buffer.of(byte));
      expect(pairs(records)).toEqual(['1/1']);
      expect(records[0]).toMatchObject({ requestBytes: 48, responseBytes: 48 });
    }
  });

  it('find every message of one segment, and the split one behind them', () => {
    const { connection, records } = testPipeline();
    const requests = Buffer.concat([1, 2, 3].map((id) => toyMessage('Q', id, 5)));
    connection.move('in', requests.subarray(0, 60));
    connection.move('in', requests.subarray(60));
    connection.move('out', Buffer.concat([1, 2, 3].map((id) => toyMessage('S', id, 5))));
    expect(pairs(records)).toEqual(['1/1', '2/2', '3/3']);
  });

  it('take a megabyte byte by byte in linear time, whether the parser says how much it needs or not', () => {
    const size = 1024 * 1024;
    for (const atLeast of [undefined, size + 18]) {
      let calls = 0;
      const { connection, records, pipeline } = testPipeline({
        maxBufferedBytes: 2 * 1024 * 1024,
        toy: {
          onParse: (side, view) => {
            if (side === 'response' || view.available < 18) return undefined;
            calls++;
            if (view.available >= size + 18) return undefined;
            return atLeast === undefined ? { status: 'more' } : { status: 'more', atLeast };
          },
        },
      });
      const message = toyMessage('Q', 1, size);
      const segment = connection.make('in', message);
      const started = performance.now();
      for (let i = 0; i < segment.length; i++) {
        pipeline.segment(
          1,
          { ...segment, position: i, length: 1, captured: 1, dataStart: 5 + i },
          undefined,
        );
      }
      connection.move('out', toyMessage('S', 1, 0));
      expect(pairs(records)).toEqual(['1/1']);
      expect(records[0]?.requestBytes).toBe(size + 18);
      if (atLeast !== undefined) expect(calls).toBe(2);
      // Quadratic copying would move 500 GB.
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(pipeline.stats().bufferedBytes).toBe(0);
    }
  }, 40_000);

  it('step over a hole inside a body of known length, and say what is missing', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 500), { captured: 100, holeReason: 'limit' });
    expect(pairs(records)).toEqual(['1/1 ok !response.body']);
    expect(records[0]).toMatchObject({ responseBytes: 518, complete: false });
    expect(pipeline.stats()).toMatchObject({
      holes: { limit: { count: 1, bytes: 418 } },
      resyncs: 0,
      incompleteRecords: 1,
    });
  });

  it('finish a message whose last segment was lost when the next one shows it', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    const response = toyMessage('S', 1, 500);
    connection.move('out', response.subarray(0, 200));
    connection.make('out', response.subarray(200));
    expect(records).toEqual([]);
    connection.move('in', toyMessage('Q', 2, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(pairs(records)).toEqual(['1/1 ok !response.body', '2/2']);
    expect(pipeline.stats().holes).toEqual({ loss: { count: 1, bytes: 318 } });
  });

  it('find the next message behind a hole that hides a head', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    const response = toyMessage('S', 1, 50);
    connection.move('out', response.subarray(0, 9));
    connection.make('out', response.subarray(9, 40));
    connection.move('out', response.subarray(40));
    connection.move('in', toyMessage('Q', 2, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(pairs(records)).toEqual(['1/- unknown !response', '2/2']);
    expect(pipeline.stats().resyncs).toBe(1);
  });

  it('find a start of a message that is split over two segments behind a hole', () => {
    const { connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.make('out', toyMessage('S', 1, 50));
    connection.move('in', toyMessage('Q', 2, 5));
    const response = toyMessage('S', 2, 5);
    connection.move('out', response.subarray(0, 1));
    connection.move('out', response.subarray(1));
    expect(pairs(records)).toEqual(['1/- unknown !response', '2/2']);
  });

  it('count bytes that were handed over twice, and take them once', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    const response = toyMessage('S', 1, 50);
    connection.move('out', response.subarray(0, 30));
    connection.move('out', response.subarray(20), { position: 20 });
    expect(pairs(records)).toEqual(['1/1']);
    expect(pipeline.stats().overlapBytes).toBe(10);
  });

  it('find the next message behind bytes that the parser refuses', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    connection.move('in', Buffer.concat([Buffer.from('garbage'), toyMessage('Q', 2, 5)]));
    connection.move('out', toyMessage('S', 2, 5));
    connection.move('in', toyMessage('Q', 3, 5));
    connection.move('out', toyMessage('S', 3, 5));
    expect(pairs(records)).toEqual(['1/1', '-/2 ok !request', '2/- unknown !response', '3/3']);
    expect(pipeline.stats().resyncs).toBe(1);
  });

  it('give the parser nothing but the captured bytes of its own segment', () => {
    const seen: string[] = [];
    const { connection } = testPipeline({
      toy: {
        onParse: (_, view) => {
          seen.push(view.latin1(0, 1e9));
          return undefined;
        },
      },
    });
    connection.move('in', toyMessage('Q', 1, 2));
    expect(seen).toEqual(['~Q0000000100000002ab']);
  });
});

describe('ends', () => {
  it('report a response that broke off, with what had come', () => {
    for (const parts of [false, true]) {
      const { connection, records } = testPipeline({ toy: { parts } });
      connection.move('in', toyMessage('Q', 1, 5));
      connection.move('out', toyMessage('S', 1, 500).subarray(0, 100));
      connection.close();
      expect(pairs(records)).toEqual(['1/1 ok !response.body']);
      expect(records[0]?.responseBytes).toBe(100);
    }
  });

  it('report a response that broke off in its head', () => {
    const { connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 500).subarray(0, 10));
    connection.close();
    expect(pairs(records)).toEqual(['1/- unanswered !response.head']);
    expect(records[0]?.responseBytes).toBe(10);
  });

  it('report a request that broke off', () => {
    const { connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 500).subarray(0, 100));
    connection.close();
    expect(pairs(records)).toEqual(['1/- unanswered !request.body,response']);
  });

  it('report a request without an answer as unanswered', () => {
    const { connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.close();
    expect(pairs(records)).toEqual(['1/- unanswered !response']);
  });

  it('do not call a request unanswered whose answer was lost', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.make('out', toyMessage('S', 1, 5));
    connection.close();
    expect(pairs(records)).toEqual(['1/- unknown !response']);
    expect(pipeline.stats().openConnections).toBe(0);
  });

  it('complete a message that lasts until the connection closes', () => {
    for (const [completes, expected] of [
      [true, '1/1'],
      [false, '1/1 ok !response.body'],
    ] as const) {
      const closing = testPipeline({
        toy: {
          parts: true,
          endCompletes: completes,
          onParse: (side, view) => {
            if (side === 'request') return undefined;
            if (view.available >= 18 && view.u8(0) === 0x7e) return undefined;
            return { status: 'part', consumed: view.available + view.hole };
          },
        },
      });
      closing.connection.move('in', toyMessage('Q', 1, 5));
      closing.connection.move('out', toyMessage('S', 1, 5).subarray(0, 20));
      closing.connection.move('out', Buffer.from('more and more'));
      expect(closing.records).toEqual([]);
      closing.connection.end('out');
      expect(pairs(closing.records)).toEqual([expected]);
      expect(closing.records[0]?.responseBytes).toBe(33);
    }
  });

  it('report what is unfinished when the source ends, never as complete', () => {
    const { pipeline, connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 500).subarray(0, 100));
    pipeline.finish(2e9);
    expect(pairs(records)).toEqual(['1/1 ok !response.body']);
    expect(pipeline.stats()).toMatchObject({ openConnections: 0, bufferedBytes: 0 });
  });
});

describe('deferred responses', () => {
  it('wait for a request whose event comes late', () => {
    const { connection, records } = testPipeline();
    const request = connection.make('in', toyMessage('Q', 1, 5));
    const response = connection.make('out', toyMessage('S', 1, 5));
    connection.deliver(response);
    expect(records).toEqual([]);
    connection.deliver(request);
    expect(pairs(records)).toEqual(['1/1']);
  });

  it('are reported alone after 100 ms, and the request when it comes', () => {
    const { connection, records, pipeline } = testPipeline();
    const request = connection.make('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    connection.tick(90);
    expect(records).toEqual([]);
    expect(pipeline.stats().bufferedBytes).toBeGreaterThan(0);
    connection.tick(11);
    expect(pairs(records)).toEqual(['-/1 ok !request']);
    expect(pipeline.stats().bufferedBytes).toBe(0);
    connection.deliver(request);
    expect(pairs(records).slice(1)).toEqual(['1/- unknown !response']);
    connection.move('in', toyMessage('Q', 2, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(pairs(records).slice(2)).toEqual(['2/2']);
  });

  it('are not taken for the answer to a request that began after them', () => {
    const { connection, records } = testPipeline();
    connection.move('out', toyMessage('S', 99, 5));
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['-/99 ok !request', '1/1']);
  });

  it('are released by time that comes with segments, too', () => {
    const { connection, records } = testPipeline();
    connection.make('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    connection.nowNs += 101e6;
    connection.move('out', toyMessage('S', 2, 5));
    expect(pairs(records)).toEqual(['-/1 ok !request']);
  });

  it('wait again where order was lost, but not in the middle of a message', () => {
    const { connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.make('out', toyMessage('S', 1, 5));
    const late = connection.make('in', toyMessage('Q', 2, 5));
    const response = toyMessage('S', 2, 50);
    connection.move('out', response.subarray(0, 30));
    connection.make('in', toyMessage('Q', 3, 5));
    connection.move('out', response.subarray(30));
    expect(records).toEqual([]);
    connection.deliver(late);
    expect(pairs(records)).toEqual(['1/- unknown !response', '2/2']);
  });

  it('are kept whole with all that follows them until their direction ends', () => {
    const { connection, records } = testPipeline();
    const request = connection.make('in', toyMessage('Q', 1, 5));
    const response = toyMessage('S', 1, 50);
    connection.move('out', response.subarray(0, 20));
    connection.move('out', response.subarray(20));
    connection.end('out');
    connection.deliver(request);
    expect(pairs(records)).toEqual(['1/1']);
  });

  it('are reported when the requests end before theirs was seen', () => {
    const { connection, records } = testPipeline();
    connection.make('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5), { hint: 'toy' });
    expect(records).toEqual([]);
    connection.end('in');
    expect(pairs(records)).toEqual(['-/1 ok !request']);
  });

  it('are freed when their connection is given up', () => {
    const { connection, pipeline, failures } = testPipeline({
      toy: {
        onParse: (side) => {
          if (side === 'request') throw new Error('no');
          return undefined;
        },
      },
    });
    const request = connection.make('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pipeline.stats().bufferedBytes).toBeGreaterThan(0);
    connection.deliver(request);
    expect(failures).toHaveLength(1);
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });

  it('are bounded: beyond the cap bytes become a hole', () => {
    const { connection, records, pipeline } = testPipeline({ maxBufferedBytes: 4096 });
    const request = connection.make('in', toyMessage('Q', 1, 5));
    const response = toyMessage('S', 1, 50_000);
    for (let at = 0; at < response.length; at += 1000) {
      connection.move('out', response.subarray(at, at + 1000));
    }
    expect(pipeline.stats().bufferedBytes).toBeLessThan(10_000);
    connection.deliver(request);
    expect(pairs(records)).toEqual(['1/1 ok !response.body']);
    expect(pipeline.stats().holes).toEqual({ limit: expect.anything() as unknown });
    expect(pipeline.stats().cappedBytes).toBeGreaterThan(40_000);
  });

  it('to a request in progress are held until that is whole', () => {
    const { connection, records } = testPipeline();
    const request = toyMessage('Q', 1, 500);
    connection.move('in', request.subarray(0, 100));
    connection.move('out', toyMessage('S', 1, 5));
    expect(records).toEqual([]);
    connection.move('in', request.subarray(100));
    expect(pairs(records)).toEqual(['1/1']);
  });

  it('to a request that never ends are reported after 5 s', () => {
    const { connection, records } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 500).subarray(0, 100));
    connection.move('out', toyMessage('S', 1, 5));
    connection.tick(4000);
    expect(records).toEqual([]);
    connection.tick(1001);
    expect(pairs(records)).toEqual(['1/1 ok !request.body']);
    connection.close();
    expect(records).toHaveLength(1);
  });
});

describe('time', () => {
  it('makes a request without an answer unanswered, and frees it', () => {
    const { connection, records } = testPipeline({ toy: { timeoutMs: 2000 } });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.tick(1990);
    expect(records).toEqual([]);
    connection.tick(20);
    expect(pairs(records)).toEqual(['1/- unanswered !response']);
    connection.close();
    expect(records).toHaveLength(1);
  });
});

describe('bounds', () => {
  it('turn the bytes of a message that passes the cap into a hole', () => {
    const toy = {
      onParse: (side: string, view: { available: number }) =>
        side === 'request' && view.available > 18 && view.available < 10_000
          ? ({ status: 'more' } as const)
          : undefined,
    };
    const { connection, records, pipeline } = testPipeline({ toy, maxBufferedBytes: 4096 });
    const request = toyMessage('Q', 1, 9_000);
    for (let at = 0; at < request.length; at += 500) {
      connection.move('in', request.subarray(at, at + 500));
    }
    expect(pipeline.stats().bufferedBytes).toBeLessThanOrEqual(4096);
    expect(pipeline.stats().cappedBytes).toBeGreaterThan(3_000);
    connection.close();
    expect(records).toEqual([]);
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });

  it('hold over all connections', () => {
    const { pipeline } = testPipeline({ maxTotalBufferedBytes: 20_000 });
    const message = toyMessage('Q', 1, 5).subarray(0, 17);
    for (let id = 2; id < 200; id++) {
      pipeline.open({
        id,
        transport: 'tcp',
        role: 'server',
        local: { address: '', port: 0 },
        remote: { address: '', port: 0 },
        midstream: false,
      });
      pipeline.segment(
        id,
        {
          direction: 'in',
          position: 0,
          length: 17,
          captured: 17,
          data: message,
          dataStart: 0,
          holeReason: undefined,
          oppositePosition: 0,
          startNs: 1,
          endNs: 1,
          tid: 1,
          process: testProcess,
        },
        'toy',
      );
    }
    expect(pipeline.stats().bufferedBytes).toBeLessThanOrEqual(20_000);
    expect(pipeline.stats().cappedBytes).toBeGreaterThan(0);
    pipeline.finish(2);
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });
});

describe('plugins that fail', () => {
  const failing = {
    'parse throws': {
      toy: {
        onParse: () => {
          throw new Error('no');
        },
      },
    },
    'toRecord throws': {
      toy: {
        onRecord: () => {
          throw new Error('no');
        },
      },
    },
  } as const;
  for (const [what, options] of Object.entries(failing)) {
    it(`lose their connection, and only that: ${what}`, () => {
      const { connection, records, verdicts, failures, pipeline } = testPipeline(options);
      connection.move('in', toyMessage('Q', 1, 5));
      connection.move('out', toyMessage('S', 1, 5));
      connection.move('in', toyMessage('Q', 2, 5));
      connection.close();
      expect(records).toEqual([]);
      expect(failures).toHaveLength(1);
      expect(pipeline.stats().pluginFailures).toBe(1);
      expect(verdicts).toContainEqual({ kind: 'ignore' });
    });
  }

  it('while a hole is taken note of leave nothing behind', () => {
    for (const late of [false, true]) {
      const { connection, failures, pipeline } = testPipeline({
        toy: {
          onRecord: () => {
            throw new Error('no');
          },
        },
      });
      connection.move('in', toyMessage('Q', 1, 5));
      const response = toyMessage('S', 1, 500);
      const first = connection.make('out', response.subarray(0, 200));
      connection.make('out', response.subarray(200));
      const request = connection.make('in', toyMessage('Q', 2, 5));
      if (!late) connection.deliver(first);
      connection.move('out', toyMessage('S', 2, 5));
      connection.deliver(request);
      connection.tick(200);
      expect(failures).toHaveLength(1);
      expect(pipeline.stats().bufferedBytes).toBe(0);
    }
  });

  it('are told of results that their contract forbids, and end the loop', () => {
    for (const result of [
      { status: 'frame', frame: {}, consumed: 0 },
      { status: 'part', consumed: -1 },
      { status: 'skip', consumed: 1.5 },
      { status: 'part', consumed: NaN },
      { status: 'nonsense' },
      undefined,
      null,
    ]) {
      let first = true;
      const { connection, failures, pipeline } = testPipeline({
        toy: {
          onParse: () => {
            if (!first) return undefined;
            first = false;
            return (result ?? { status: result }) as never;
          },
        },
      });
      connection.move('in', toyMessage('Q', 1, 5));
      expect(failures).toHaveLength(1);
      expect(pipeline.stats().pluginFailures).toBe(1);
    }
  });
});

describe('matching by key', () => {
  const matching = {
    mode: 'by-key',
    key: (frame: { id: number }) => frame.id,
    oneWay: (frame: { id: number }) => frame.id >= 1000,
  } as const;

  it('pairs out of order and under loss', () => {
    const { connection, records } = testPipeline({ toy: { matching } });
    for (const id of [1, 2, 3]) connection.move('in', toyMessage('Q', id, 5));
    connection.move('out', toyMessage('S', 3, 5));
    connection.make('out', toyMessage('S', 2, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['3/3', '1/1']);
    connection.close();
    expect(pairs(records).slice(2)).toEqual(['2/- unknown !response']);
  });

  it('waits 100 ms for the request of a response', () => {
    const { connection, records } = testPipeline({ toy: { matching } });
    const request = connection.make('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    connection.deliver(request);
    expect(pairs(records)).toEqual(['1/1']);
    connection.move('out', toyMessage('S', 2, 5));
    connection.tick(101);
    expect(pairs(records).slice(1)).toEqual(['-/2 ok !request']);
  });

  it('reports one-way requests at once, as complete', () => {
    const { connection, records } = testPipeline({ toy: { matching } });
    connection.move('in', toyMessage('Q', 1000, 5));
    expect(pairs(records)).toEqual(['1000/-']);
    expect(records[0]?.complete).toBe(true);
  });

  it('times out', () => {
    const { connection, records } = testPipeline({ toy: { matching, timeoutMs: 1000 } });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.tick(1001);
    expect(pairs(records)).toEqual(['1/- unanswered !response']);
  });
});

describe('other matching', () => {
  it('one-way: every message is a record', () => {
    const { connection, records } = testPipeline({ toy: { matching: { mode: 'one-way' } } });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(pairs(records)).toEqual(['1/-', '-/2']);
  });

  it('custom: the plugin pairs', () => {
    const { connection, records } = testPipeline({
      toy: {
        matching: {
          mode: 'custom',
          create: () => {
            let kept: Message<ToyFrame> | undefined;
            return {
              push: (side, message, emit) => {
                if (side === 'request') kept = message;
                else emit(kept, message);
              },
            };
          },
        },
      },
    });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['1/1']);
  });
});
