// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Direction, Segment, TraceRecord } from '../plugin/index.js';
import { pairs, testPipeline, toyMessage, type ToyOptions } from './toy-protocol.test-support.js';

/** A small generator of reproducible numbers (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Conversation {
  readonly seed: number;
  readonly exchanges: number;
  /** Most requests sent without waiting. */
  readonly burst: number;
  /** Segments lost, of 100. */
  readonly lost: number;
  /** Segments captured in part, of 100. */
  readonly cut: number;
  /** Request events that arrive after the response event that follows them, of 100. */
  readonly late: number;
  /** Exchanges at the start that are seen whole. */
  readonly intact: number;
  readonly role: 'client' | 'server';
  readonly toy: ToyOptions;
  readonly hint: string | undefined;
}

interface Message {
  readonly side: 'request' | 'response';
  readonly id: number;
  readonly start: number;
  readonly end: number;
  whole: boolean;
}

/** Plays a conversation and returns the records with the truth about every message. */
function play(conversation: Conversation): { records: TraceRecord[]; messages: Message[] } {
  const random = randomFrom(conversation.seed);
  const { toy, role, hint } = conversation;
  const { connection, records, pipeline } = testPipeline({ toy, info: { role } });
  const directionOf = {
    request: role === 'server' ? 'in' : 'out',
    response: role === 'server' ? 'out' : 'in',
  } as const;
  const messages: Message[] = [];
  const events: Segment[] = [];
  const write = (side: 'request' | 'response', ids: readonly number[]): void => {
    const direction: Direction = directionOf[side];
    const buffers = ids.map((id) => {
      const message = toyMessage(side === 'request' ? 'Q' : 'S', id, random(3) * random(60));
      return message;
    });
    let start = connection.position[direction];
    buffers.forEach((buffer, i) => {
      messages.push({ side, id: ids[i]!, start, end: start + buffer.length, whole: true });
      start += buffer.length;
    });
    const bytes = Buffer.concat(buffers);
    for (let at = 0; at < bytes.length;) {
      const most = random(4) === 0 ? 8 : 200;
      const length = Math.min(bytes.length - at, 1 + random(most));
      events.push(connection.make(direction, bytes.subarray(at, at + length)));
      at += length;
    }
  };
  for (let next = 0; next < conversation.exchanges;) {
    const count = Math.min(1 + random(conversation.burst), conversation.exchanges - next);
    let asked = 0;
    let answered = 0;
    while (answered < count) {
      if (asked < count && (asked === answered || random(2) === 0)) {
        const some = 1 + random(count - asked);
        write(
          'request',
          Array.from({ length: some }, (_, i) => next + asked + i),
        );
        asked += some;
      } else {
        write('response', [next + answered]);
        answered++;
      }
    }
    next += count;
  }
  const intactEnd = { in: 0, out: 0 };
  for (const { side, id, end } of messages) {
    if (id < conversation.intact)
      intactEnd[directionOf[side]] = Math.max(intactEnd[directionOf[side]], end);
  }
  for (let i = 0; i + 1 < events.length; i++) {
    const [one, two] = [events[i]!, events[i + 1]!];
    if (one.direction !== directionOf.request || two.direction === one.direction) continue;
    if (random(100) < conversation.late) {
      events[i] = two;
      events[++i] = one;
    }
  }
  const harm = (segment: Segment, from: number): void => {
    for (const message of messages) {
      if (directionOf[message.side] !== segment.direction) continue;
      if (message.start < segment.position + segment.length && message.end > from)
        message.whole = false;
    }
  };
  for (const segment of events) {
    const safe = segment.position < intactEnd[segment.direction];
    if (!safe && random(100) < conversation.lost) {
      harm(segment, segment.position);
    } else if (!safe && segment.length > 1 && random(100) < conversation.cut) {
      const captured = random(segment.length);
      harm(segment, segment.position + captured);
      connection.deliver({ ...segment, captured, holeReason: 'limit' }, hint);
    } else {
      connection.deliver(segment, hint);
    }
    if (random(20) === 0) pipeline.tick(segment.endNs);
  }
  connection.close();
  return { records, messages };
}

function judge(records: readonly TraceRecord[], messages: readonly Message[]): { paired: number } {
  const truth = new Map(messages.map((message) => [`${message.side} ${message.id}`, message]));
  const seen = new Set<string>();
  let paired = 0;
  for (const { attributes, missing } of records) {
    const { request, response } = attributes as { request?: number; response?: number };
    if (request !== undefined && response !== undefined) {
      if (response !== request) expect.fail(`${request} paired with ${response}`);
      paired++;
    }
    for (const [side, id] of [
      ['request', request],
      ['response', response],
    ] as const) {
      if (id === undefined) {
        if (!missing.includes(side)) expect.fail(`no ${side}, and not said`);
        continue;
      }
      const key = `${side} ${id}`;
      if (seen.has(key)) expect.fail(`${key} reported twice`);
      seen.add(key);
      if (missing.includes(`${side}.body`) === truth.get(key)!.whole)
        expect.fail(`${key}: ${missing.join()}`);
    }
  }
  for (const message of messages) {
    const key = `${message.side} ${message.id}`;
    if (message.whole && !seen.has(key)) expect.fail(`${key} not reported`);
  }
  return { paired };
}

const base: Conversation = {
  seed: 1,
  exchanges: 40,
  burst: 1,
  lost: 0,
  cut: 0,
  late: 0,
  intact: 0,
  role: 'server',
  toy: {},
  hint: undefined,
};

const rounds = 100;

describe('random conversations', () => {
  for (const role of ['server', 'client'] as const) {
    for (const parts of [false, true]) {
      for (const burst of [1, 5]) {
        it(`pairs everything exactly once without loss (${role}, parts ${parts}, bursts of ${burst})`, () => {
          for (let seed = 1; seed <= rounds; seed++) {
            const { records, messages } = play({ ...base, seed, role, burst, toy: { parts } });
            const { paired } = judge(records, messages);
            expect(paired).toBe(base.exchanges);
            expect(records.every((record) => record.complete)).toBe(true);
          }
        });

        it(`pairs everything although request events come late (${role}, parts ${parts}, bursts of ${burst})`, () => {
          for (let seed = 1; seed <= rounds; seed++) {
            const { records } = play({ ...base, seed, role, burst, late: 50, toy: { parts } });
            expect(pairs(records).sort(byId)).toEqual(
              Array.from({ length: base.exchanges }, (_, id) => `${id}/${id}`),
            );
          }
        });
      }

      it(`never pairs wrongly on a keep-alive connection under loss (${role}, parts ${parts})`, () => {
        let paired = 0;
        for (let seed = 1; seed <= rounds; seed++) {
          const lost = seed % 40;
          const { records, messages } = play({
            ...base,
            seed,
            role,
            lost,
            cut: seed % 23,
            late: seed % 3 === 0 ? 20 : 0,
            toy: { parts },
            hint: 'toy',
          });
          paired += judge(records, messages).paired;
        }
        expect(paired).toBeGreaterThan(rounds * base.exchanges * 0.3);
      });

      it(`never pairs wrongly on a pipelined connection under loss (${role}, parts ${parts})`, () => {
        for (let seed = 1; seed <= rounds; seed++) {
          const { records, messages } = play({
            ...base,
            seed,
            role,
            burst: 5,
            intact: 20,
            lost: seed % 40,
            cut: seed % 23,
            toy: { parts },
            hint: 'toy',
          });
          judge(records, messages);
        }
      });
    }
  }

  it('pairs most of a keep-alive connection that loses one segment of fifty', () => {
    let paired = 0;
    let possible = 0;
    for (let seed = 1; seed <= rounds; seed++) {
      const { records, messages } = play({ ...base, seed, lost: 2, hint: 'toy' });
      paired += judge(records, messages).paired;
      const whole = messages.filter((message) => message.whole);
      const requests = new Set(whole.filter((m) => m.side === 'request').map((m) => m.id));
      possible += whole.filter((m) => m.side === 'response' && requests.has(m.id)).length;
    }
    expect(paired / possible).toBeGreaterThan(0.95);
  });
});

function byId(one: string, other: string): number {
  return parseInt(one) - parseInt(other);
}
