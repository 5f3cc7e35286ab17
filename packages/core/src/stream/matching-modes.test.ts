// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Matcher, Message } from '../plugin/index.js';
import {
  pairs,
  testPipeline,
  toyMessage,
  toyProtocol,
  type ToyFrame,
} from './toy-protocol.test-support.js';

/** Frames with an id from 100 on belong to the multiplexed dialect. */
const inOrder = (frame: ToyFrame): boolean => frame.id < 100;

/** Joins all requests of an id into one message and reports it with the first response; tells what it was told. */
class JoiningMatcher implements Matcher<ToyFrame> {
  readonly told: string[];
  readonly #open = new Map<number, Message<ToyFrame>>();

  constructor(told: string[]) {
    this.told = told;
  }

  get waiting(): boolean {
    return this.#open.size > 0;
  }

  push(...[side, message, emit]: Parameters<Matcher<ToyFrame>['push']>): void {
    const { id } = message.frame;
    const first = this.#open.get(id);
    if (side === 'request') {
      const bytes = (first?.bytes ?? 0) + message.bytes;
      this.#open.set(id, { ...(first ?? message), bytes, endNs: message.endNs });
      return;
    }
    this.#open.delete(id);
    emit(first, message);
  }

  lost(side: string): void {
    this.told.push(`lost ${side}`);
  }

  tick(): void {
    this.told.push('tick');
  }

  close(...[emit]: Parameters<NonNullable<Matcher<ToyFrame>['close']>>): void {
    for (const request of this.#open.values()) emit(request, undefined, 'lost');
  }
}

function joining(dialects: boolean, told: string[] = []) {
  const matching = {
    mode: 'custom' as const,
    create: () => new JoiningMatcher(told),
    ...(dialects ? { inOrder } : {}),
  };
  return testPipeline({ toy: { matching } });
}

describe('custom matching', () => {
  it('reports messages that the plugin built from several, with who moved the first byte', () => {
    const { connection, records } = joining(false);
    const first = toyMessage('Q', 100, 5);
    connection.move('in', first, { tid: 7 });
    connection.move('in', toyMessage('Q', 101, 0));
    connection.move('in', toyMessage('Q', 100, 3));
    connection.move('out', toyMessage('S', 100, 0));
    expect(pairs(records)).toEqual(['100/100']);
    expect(records[0]).toMatchObject({ requestBytes: 2 * 18 + 8, process: { tid: 7, pid: 42 } });
  });

  it('tells of losses and of time, and asks for what is held at the end', () => {
    const told: string[] = [];
    const { connection, records } = joining(false, told);
    connection.move('in', toyMessage('Q', 100, 0));
    connection.tick(100);
    connection.position.in += 50;
    connection.move('in', toyMessage('Q', 101, 0));
    connection.close();
    expect(told).toEqual(['tick', 'lost request']);
    expect(pairs(records)).toEqual(['100/- unknown !response', '101/- unknown !response']);
  });
});

describe('custom matching with an ordered dialect', () => {
  it('pairs each frame in its own way, on one connection', () => {
    const { connection, records } = joining(true);
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('in', toyMessage('Q', 2, 0));
    connection.move('out', toyMessage('S', 8, 0));
    connection.move('out', toyMessage('S', 9, 0));
    connection.move('in', toyMessage('Q', 101, 0));
    connection.move('in', toyMessage('Q', 102, 0));
    connection.move('out', toyMessage('S', 102, 0));
    connection.move('out', toyMessage('S', 101, 0));
    expect(pairs(records)).toEqual(['1/8', '2/9', '102/102', '101/101']);
  });

  it('lets an ordered response wait for the event of its request', () => {
    const { connection, records } = joining(true);
    const request = connection.make('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 8, 0));
    connection.deliver(request);
    expect(pairs(records)).toEqual(['1/8']);
  });
});

describe('in-order matching', () => {
  it('reports a one-way request at once and expects no response to it', () => {
    const { connection, records } = testPipeline({
      toy: {
        matching: { mode: 'in-order', oneWay: (frame) => frame.id === 2 },
      },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('in', toyMessage('Q', 2, 0));
    connection.move('in', toyMessage('Q', 3, 0));
    connection.move('out', toyMessage('S', 7, 0));
    connection.move('out', toyMessage('S', 9, 0));
    expect(pairs(records)).toEqual(['2/-', '1/7', '3/9']);
    expect(records.every(({ complete }) => complete)).toBe(true);
  });
});

describe.each(['in-order', 'by-key'] as const)('%s matching', (mode) => {
  it('reports what a server sends unasked as whole, and goes on undisturbed', () => {
    const unasked = { oneWay: (frame: unknown) => (frame as ToyFrame).id === 9 };
    const { connection, records } = testPipeline({
      toy: {
        matching:
          mode === 'in-order' ? { mode, ...unasked } : { mode, key: ({ id }) => id, ...unasked },
      },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 9, 0));
    connection.move('out', toyMessage('S', 1, 0));
    expect(pairs(records)).toEqual(['-/9', '1/1']);
  });
});

describe('by-key matching', () => {
  it('lets a response wait for the event of a request that its parser needs', () => {
    const seen: string[] = [];
    const { connection } = testPipeline({
      toy: {
        matching: { mode: 'by-key', key: (frame) => frame.id, needsRequest: true },
        onParse: (side) => void seen.push(side),
      },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    const late = connection.make('in', toyMessage('Q', 2, 0));
    connection.move('out', toyMessage('S', 2, 0));
    connection.deliver(late);
    expect(seen).toEqual(['request', 'request', 'response']);
  });
});

describe('several messages that end in the same bytes', () => {
  const frame = (id: number): ToyFrame => ({ type: 'S', id, length: 0 });

  it('the first has the bytes, the others have none', () => {
    const { connection, records } = testPipeline({
      toy: {
        onParse: (side, view) =>
          side === 'response' && view.available >= 30
            ? { status: 'frames', frames: [frame(1), frame(2), frame(3)], consumed: 30 }
            : undefined,
      },
    });
    for (const id of [1, 2, 3]) connection.move('in', toyMessage('Q', id, 0));
    connection.move('out', Buffer.alloc(30, '~S'));
    expect(pairs(records)).toEqual(['1/1', '2/2', '3/3']);
    expect(records.map(({ responseBytes }) => responseBytes)).toEqual([30, 0, 0]);
  });

  it.each([
    { frames: [], consumed: 5 },
    { frames: [frame(1)], consumed: 0 },
    { frames: [frame(1)], consumed: 1e6 },
    { frames: frame(1), consumed: 5 },
  ])('a result that breaks the contract is refused: %j', (result) => {
    const { connection, records, failures } = testPipeline({
      toy: {
        onParse: (side) =>
          side === 'response' ? ({ status: 'frames', ...result } as never) : undefined,
      },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 1, 0));
    expect(failures).toHaveLength(1);
    expect(records).toEqual([]);
  });
});

describe('a protocol that the user names by port', () => {
  const ports = { local: { address: '10.0.0.1', port: 7000 }, role: 'unknown' as const };
  const never = {
    rules: [{ says: 'request' as const, when: { kind: 'bytes' as const, at: 0, anyOf: ['XX'] } }],
  };

  it('needs no inference, and the end with the port is the server', () => {
    const { connection, records } = testPipeline({
      toy: { inference: never },
      decodeAs: new Map([[7000, 'toy']]),
      info: ports,
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 1, 0));
    expect(pairs(records)).toEqual(['1/1']);
    expect(records[0]).toMatchObject({ role: 'server' });
  });

  it('leaves other ports alone', () => {
    const { connection, records } = testPipeline({
      toy: { inference: never },
      decodeAs: new Map([[7001, 'toy']]),
      info: ports,
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 1, 0));
    connection.close();
    expect(records).toEqual([]);
  });
});

describe('a connection that the source forgets', () => {
  it.each([
    [true, '1/1'],
    [false, '1/1 ok !response.body'],
  ])('ended %s: a message that the end would complete is %s', (ended, expected) => {
    const { pipeline, connection, records } = testPipeline({
      toy: { parts: true, endCompletes: true },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 1, 20).subarray(0, 18));
    pipeline.close(1, -1, -1, 0, undefined, ended);
    expect(pairs(records)).toEqual([expected]);
  });
});

const either = {
  confirm: 2,
  rules: [
    {
      says: 'either' as const,
      strength: 'likely' as const,
      when: { kind: 'bytes' as const, at: 0, anyOf: ['~'] },
    },
  ],
};

describe('a request that waits for its response', () => {
  it('is unanswered when the connection ends, and unknown when only the watching ends', () => {
    const ended = testPipeline();
    ended.connection.move('in', toyMessage('Q', 1, 0));
    ended.connection.close();
    expect(pairs(ended.records)).toEqual(['1/- unanswered !response']);
    const left = testPipeline();
    left.connection.move('in', toyMessage('Q', 1, 0));
    left.pipeline.finish(0);
    expect(pairs(left.records)).toEqual(['1/- unknown !response']);
  });
});

describe('a connection of which nobody knows who asks', () => {
  it('is asked by whom the source thinks likely, when the rules do not say', () => {
    const { connection, records } = testPipeline({
      toy: { inference: either },
      info: { role: 'unknown', likelyRequests: 'out' },
    });
    connection.move('in', toyMessage('S', 1, 0));
    connection.move('out', toyMessage('Q', 1, 0));
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ role: 'client' });
  });

  it('is asked by who spoke first, when the rules do not say', () => {
    const { connection, records } = testPipeline({
      toy: { inference: either },
      info: { role: 'unknown' },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 1, 0));
    expect(pairs(records)).toEqual(['1/1']);
  });
});

describe('a protocol that hands over to itself', () => {
  it('is refused: nothing hangs', () => {
    const { connection, failures, pipeline } = testPipeline({
      toy: { onParse: () => ({ status: 'switch', to: 'toy', consumed: 0 }) },
    });
    for (let id = 0; id < 20; id++) {
      connection.move('in', toyMessage('Q', id, 0));
      connection.move('out', toyMessage('S', id, 0));
    }
    expect(failures.length).toBeGreaterThan(0);
    expect(pipeline.stats().openConnections).toBe(1);
  });
});

describe('a toRecord that breaks its contract', () => {
  it.each([null, 7, { operation: 'x' }, { operation: 'x', attributes: null }, { attributes: {} }])(
    'is a failure of the plugin, and nothing else: %j',
    (result) => {
      const plugin = { ...toyProtocol(), toRecord: () => result as never };
      const { connection, records, failures } = testPipeline({ plugins: [plugin] });
      connection.move('in', toyMessage('Q', 1, 0));
      connection.move('out', toyMessage('S', 1, 0));
      expect(failures).toHaveLength(1);
      expect(records).toEqual([]);
    },
  );
});
