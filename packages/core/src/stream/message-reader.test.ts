// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ByteView, type ParseResult, type Segment } from '../plugin/index.js';
import { Budget, Counters } from './counters.js';
import { MessageReader } from './message-reader.js';
import {
  testProcess,
  toyMessage,
  toyParser,
  type ToyOptions,
} from './toy-protocol.test-support.js';

/** A reader of requests whose owner writes down what it is told. */
function setUp(options: ToyOptions = {}) {
  const counters = new Counters();
  const told: string[] = [];
  const reader: MessageReader = new MessageReader(
    {
      message: (_, { frame, bytes, truncated, opposite, startNs, endNs }) => {
        const { id } = frame as { id: number };
        told.push(
          `${id}: ${bytes}${truncated ? ' truncated' : ''} after ${opposite} at ${startNs}-${endNs}`,
        );
      },
      lost: (_, began) => told.push(began ? 'lost one' : 'lost'),
      switchTo: (_, to) => told.push(`switch ${to}`),
      failed: () => told.push('failed'),
      misbehaved: () => told.push('misbehaved'),
      reopen: () => {
        told.push('reopen');
        reader.stop();
      },
    },
    { view: new ByteView(), counters, budget: new Budget(counters, 4096, 8192) },
    'request',
  );
  reader.parser = toyParser(options);
  let ns = 0;
  return {
    reader,
    counters,
    told,
    take(position: number, data: Buffer, length = data.length): void {
      ns += 10;
      const segment: Segment = {
        direction: 'in',
        position,
        length,
        captured: data.length,
        data,
        dataStart: 0,
        holeReason: length > data.length ? 'limit' : undefined,
        oppositePosition: ns * 100,
        startNs: ns,
        endNs: ns + 1,
        tid: 1,
        process: testProcess,
      };
      reader.take(segment);
    },
  };
}

const message = toyMessage('Q', 1, 2);

describe('MessageReader', () => {
  it('takes from an overlapping segment only what is new', () => {
    const set = setUp();
    set.take(0, Buffer.concat([message, message.subarray(0, 15)]));
    set.take(10, Buffer.concat([message, message]).subarray(10, 40));
    set.take(5, message.subarray(5));
    expect(set.told).toEqual(['1: 20 after 1000 at 10-11', '1: 20 after 1000 at 10-21']);
    expect(set.counters.overlapBytes).toBe(25 + 15);
    expect(set.reader.received).toBe(40);
  });

  it('reads what an overlapping segment brings at a boundary', () => {
    const set = setUp();
    set.take(0, message);
    set.take(10, Buffer.concat([Buffer.alloc(10, '!'), message]));
    expect(set.told).toEqual(['1: 20 after 1000 at 10-11', '1: 20 after 2000 at 20-21']);
  });

  it('takes the uncaptured rest of an overlapping segment for a hole of the right size', () => {
    const set = setUp();
    set.take(0, message.subarray(0, 19));
    set.take(0, message.subarray(0, 10), 20);
    expect(set.told).toEqual(['1: 20 after 1000 at 10-21']);
    expect(set.counters.snapshot(0).holes).toEqual({ limit: { count: 1, bytes: 1 } });
  });

  it('gives each of several buffered messages the segment it began in', () => {
    let held = true;
    const set = setUp({
      onParse: (): ParseResult<never> | undefined => (held ? { status: 'more' } : undefined),
    });
    set.take(0, message);
    set.take(20, message);
    held = false;
    set.take(40, message);
    expect(set.told).toEqual([
      '1: 20 after 1000 at 10-11',
      '1: 20 after 2000 at 20-21',
      '1: 20 after 3000 at 30-31',
    ]);
  });

  it('does not claim an order for a message that began in a forgotten segment', () => {
    let skipped = false;
    const set = setUp({
      onParse: (_, view) => {
        if (skipped) return undefined;
        if (view.available < 60) return { status: 'more' };
        skipped = true;
        return { status: 'skip', consumed: 5 };
      },
    });
    const bytes = Buffer.concat([Buffer.alloc(5, '.'), message, Buffer.alloc(35, '.')]);
    for (let i = 0; i < 60; i++) set.take(i, bytes.subarray(i, i + 1));
    expect(set.told[0]).toMatch(/^1: 20 after -1 /);
  });

  it('finds a start that is split over two segments after garbage', () => {
    const set = setUp();
    set.take(0, message);
    set.take(20, Buffer.alloc(100, '.'));
    set.take(120, message.subarray(0, 1));
    set.take(121, message.subarray(1));
    expect(set.told).toEqual(['1: 20 after 1000 at 10-11', 'lost', '1: 20 after 3000 at 30-41']);
  });

  it('keeps a tail in which a start may begin', () => {
    // A start that is recognized only with its first two bytes.
    const set = setUp();
    const { parser } = set.reader;
    set.reader.parser = {
      parse: (side, view) => parser!.parse(side, view),
      resync: (_side, view, after) => view.find('~Q', after === 'hole' ? 0 : 1),
    };
    set.take(0, message);
    set.take(20, Buffer.from('.'.repeat(99) + '~'));
    set.take(120, message.subarray(1));
    expect(set.told.slice(1)).toEqual(['lost', '1: 20 after 2000 at 20-31']);
    set.reader.gap(150, 'loss');
    set.take(150, Buffer.from('.~'));
    set.take(152, message.subarray(1));
    expect(set.told.slice(3)).toEqual(['lost', '1: 20 after 4000 at 40-51']);
  });

  it('tells a message that broke off from bytes between messages', () => {
    const between = setUp();
    between.take(0, message);
    between.take(20, Buffer.from('..~'));
    expect(between.told.slice(1)).toEqual(['lost']);

    const inside = setUp({
      parts: true,
      onParse: (_, view) => (view.u8(0) === 0x2e ? { status: 'invalid', why: '.' } : undefined),
    });
    inside.take(0, toyMessage('Q', 1, 5).subarray(0, 18));
    inside.take(18, Buffer.from('.....'));
    expect(inside.told).toEqual(['lost one']);

    const head = setUp();
    head.take(0, message.subarray(0, 5), 9);
    expect(head.told).toEqual(['lost one']);
  });

  it('reopens after 8 refusals in a row, not sooner', () => {
    const set = setUp();
    set.take(0, Buffer.from('~xxx'.repeat(7)));
    expect(set.told).not.toContain('reopen');
    set.take(28, Buffer.from('~xxx'));
    expect(set.told).toContain('reopen');
  });

  it('counts refusals anew after a message', () => {
    const set = setUp();
    for (let i = 0; i < 20; i++) {
      const bytes = Buffer.concat([Buffer.from('~xxx'), message]);
      set.take(i * 24, bytes);
    }
    expect(set.told).not.toContain('reopen');
  });

  it('does not wait for bytes that a lost message wanted', () => {
    const set = setUp();
    set.take(0, message.subarray(0, 5), 9);
    set.take(9, message);
    const wanting = setUp({
      onParse: (_, view) => (view.u8(1) === 0x58 ? { status: 'more', atLeast: 4000 } : undefined),
    });
    wanting.take(0, Buffer.from('~X'));
    wanting.reader.gap(10, 'loss');
    wanting.take(10, Buffer.from('...'));
    wanting.take(13, message);
    expect(set.told).toEqual(['lost one', '1: 20 after 2000 at 20-21']);
    expect(wanting.told).toEqual(['lost one', '1: 20 after 3000 at 30-31']);
  });

  describe('at the end', () => {
    const cut = (bytes: number, completes: boolean, endCompletes = true) => {
      const set = setUp({ parts: true, endCompletes });
      set.take(0, toyMessage('Q', 1, 50).subarray(0, bytes));
      return { left: set.reader.end(completes), told: set.told };
    };

    it('takes what owes bytes for truncated, whatever the parser thinks', () => {
      expect(cut(30, true).told).toEqual(['1: 30 truncated after 1000 at 10-11']);
    });

    it('takes a part that owes bytes for truncated, too', () => {
      const set = setUp();
      set.reader.parser = {
        parse: () => ({ status: 'part', consumed: 100 }),
        resync: () => -1,
        end: () => ({ type: 'Q', id: 1, length: 0 }),
        endCompletes: () => true,
      };
      set.take(0, message);
      set.reader.end(true);
      expect(set.told).toEqual(['1: 20 truncated after 1000 at 10-11']);
    });

    it('lets the parser say whether the end completes a message', () => {
      expect(cut(18, true).told).toEqual(['1: 18 after 1000 at 10-11']);
      expect(cut(18, true, false).told).toEqual(['1: 18 truncated after 1000 at 10-11']);
    });

    it('of the tracing completes nothing', () => {
      expect(cut(18, false).told).toEqual(['1: 18 truncated after 1000 at 10-11']);
    });

    it('says how much of a head had come', () => {
      expect(cut(9, true)).toEqual({ left: 9, told: [] });
    });

    it('takes no bytes for a message while its place is lost', () => {
      const set = setUp();
      set.take(0, Buffer.from('......'));
      expect(set.reader.end(true)).toBe(0);
    });
  });
});
