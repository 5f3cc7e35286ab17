// SPDX-License-Identifier: Apache-2.0
import type { Message, Side } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import type { HttpFrame } from '../frames.js';
import type { Http2Frame } from './frames.js';
import { type HeaderList, unreadList } from './header-list.js';
import { MAX_HEAD_BYTES, MAX_STREAMS, StreamMatcher } from './stream-matcher.js';

const process = { pid: 7, ppid: 1, comm: 'c', exe: '/c', cgroup: '/' };
const list = (fields: Partial<HeaderList>): HeaderList => ({
  ...unreadList(),
  cut: false,
  ...fields,
});
const request = (streamId: number, endStream = true): Http2Frame => ({
  kind: 'h2-headers',
  streamId,
  promisedId: undefined,
  list: list({ method: 'GET', path: `/${streamId}` }),
  endStream,
  grpc: undefined,
});
const response = (streamId: number, endStream = true, status = 200): Http2Frame => ({
  kind: 'h2-headers',
  streamId,
  promisedId: undefined,
  list: list({ status }),
  endStream,
  grpc: undefined,
});
const body = (streamId: number, bodyBytes: number, endStream = false): Http2Frame => ({
  kind: 'h2-data',
  streamId,
  frameBytes: bodyBytes + 9,
  bodyBytes,
  endStream,
  lost: false,
});
const reset = (streamId: number, code = 8): Http2Frame => ({ kind: 'h2-reset', streamId, code });

/** A matcher that tells what it reports: `request/response absence`, with sizes of bodies. */
class Bench {
  readonly matcher = new StreamMatcher();
  readonly told: string[] = [];
  readonly pairs: [Message<HttpFrame> | undefined, Message<HttpFrame> | undefined][] = [];
  #ms = 0;
  readonly #emit = (
    asked: Message<HttpFrame> | undefined,
    answered: Message<HttpFrame> | undefined,
    absence?: string,
  ): void => {
    this.pairs.push([asked, answered]);
    const sign = answered === undefined ? ` ${absence ?? 'unanswered'}` : '';
    this.told.push(`${nameOf(asked)}/${nameOf(answered)}${sign}`);
  };

  push(side: Side, frame: Http2Frame, more: Partial<Message<HttpFrame>> = {}): this {
    const bytes = frame.kind === 'h2-data' ? frame.frameBytes : 20;
    const at = { startNs: this.#ms * 1e6, endNs: (this.#ms + 1) * 1e6 };
    const message = { frame, bytes, holeBytes: 0, truncated: false, process, tid: 7, ...at };
    this.matcher.push(side, { ...message, ...more }, this.#emit);
    return this;
  }

  lose(side: Side): this {
    this.matcher.lost(side, this.#emit);
    return this;
  }

  /** Time passes. */
  wait(ms: number): this {
    this.#ms += ms;
    this.matcher.tick(this.#ms * 1e6, this.#emit);
    return this;
  }

  close(): this {
    this.matcher.close(this.#emit);
    return this;
  }
}

function nameOf(message: Message<HttpFrame> | undefined): string {
  if (message?.frame.kind !== 'stream') return '-';
  const { streamId, head, bodyBytes, lost } = message.frame;
  const flags = (lost ? '?' : '') + (message.truncated ? '…' : '');
  return `${head?.path ?? head?.status ?? `(${streamId})`}+${bodyBytes}${flags}`;
}

describe('StreamMatcher', () => {
  it('puts the frames of a stream together', () => {
    const bench = new Bench();
    bench
      .push('request', request(1, false))
      .wait(10)
      .push('request', body(1, 5, true))
      .wait(10);
    bench.push('response', response(1, false)).wait(10).push('response', body(1, 7)).wait(10);
    bench.push('response', body(1, 1, true), { holeBytes: 1 });
    expect(bench.told).toEqual(['/1+5/200+8']);
    const [asked, answered] = bench.pairs[0]!;
    expect(asked).toMatchObject({
      startNs: 0,
      endNs: 11e6,
      bytes: 34,
      holeBytes: 0,
      process,
      tid: 7,
    });
    expect(answered).toMatchObject({ startNs: 20e6, endNs: 41e6, bytes: 46, holeBytes: 1 });
    expect(bench.matcher.waiting).toBe(false);
  });

  it('does not mind which direction is seen first', () => {
    const bench = new Bench();
    bench.push('response', response(1, false)).push('response', body(1, 3, true));
    expect(bench.told).toEqual([]);
    expect(bench.matcher.waiting).toBe(true);
    bench
      .wait(100)
      .push('request', request(1, false))
      .push('request', body(1, 2, true));
    expect(bench.told).toEqual(['/1+2/200+3']);
  });

  it('waits for a request that was not seen as long as its event may take', () => {
    const bench = new Bench().push('response', response(1));
    expect(bench.wait(150).told).toEqual([]);
    expect(bench.wait(100).told).toEqual(['-/200+0']);
    expect(bench.matcher.waiting).toBe(false);
    // it was reported: what comes now is not reported again
    expect(bench.push('request', request(1)).close().told.length).toBe(1);
  });

  it('waits for the end of a request that goes on behind its response', () => {
    const bench = new Bench().push('request', request(1, false)).push('response', response(1));
    expect(bench.wait(4000).push('request', body(1, 5)).wait(4000).told).toEqual([]);
    expect(bench.wait(1100).told).toEqual(['/1+5…/200+0']);
  });

  it('never gives up a stream because it is slow', () => {
    const bench = new Bench().push('request', request(1)).push('request', request(3, false));
    bench.push('response', response(3, false));
    expect(bench.wait(100 * 3600_000).told).toEqual([]);
    expect(bench.matcher.waiting).toBe(false);
    expect(bench.close().told).toEqual(['/1+0/- unanswered', '/3+0…/200+0…']);
  });

  it('gives up a stream that may have ended unseen, when nothing comes of it', () => {
    const bench = new Bench().push('request', request(1)).push('request', request(3));
    bench.push('response', response(3, false)).lose('response').push('request', request(5));
    expect(bench.wait(20_000).push('response', body(3, 4)).wait(20_000).told).toEqual([
      '/1+0/- lost',
    ]);
    expect(bench.wait(20_000).told).toEqual(['/1+0/- lost', '/3+0/200+4?…']);
    expect(bench.push('response', response(5)).told.at(-1)).toBe('/5+0/200+0');
  });

  it('says so when such a stream ends after all', () => {
    const bench = new Bench().push('request', request(1, false)).lose('request');
    bench.push('request', body(1, 4, true)).push('response', response(1));
    expect(bench.told).toEqual(['/1+4?/200+0']);
  });

  it('ends with a reset of either side, and ignores what was on its way', () => {
    for (const side of ['request', 'response'] as const) {
      const bench = new Bench()
        .push('request', request(1, false))
        .push('response', response(1, false));
      bench
        .push(side, reset(1))
        .push('response', body(1, 5, true))
        .push('request', body(1, 5, true));
      expect(bench.close().told).toEqual(['/1+0/200+0']);
      expect(bench.pairs[0]?.[1]?.frame).toMatchObject({
        end: { resetCode: 8, resetBy: side === 'request' ? 'client' : 'server' },
      });
    }
    const whole = new Bench().push('request', request(1, false)).push('response', response(1));
    whole.push('response', reset(1, 0));
    expect(whole.pairs[0]?.[1]?.frame).toMatchObject({ end: {} });
    const unanswered = new Bench().push('request', request(1)).push('request', reset(1));
    expect(unanswered.told).toEqual(['/1+0/- none']);
    expect(new Bench().push('request', reset(1)).close().told).toEqual([]);
  });

  it('takes the final response behind interim ones, whatever is known of their status', () => {
    const bench = new Bench().push('request', request(1)).push('response', response(1, false, 103));
    bench.push('response', response(1, true, 204));
    expect(bench.told).toEqual(['/1+0/204+0']);
    const unknown: Http2Frame = { ...response(3, false), list: list({ unknown: 1 }) } as Http2Frame;
    bench.push('request', request(3)).push('response', unknown);
    bench.push('response', response(3, true, 404));
    expect(bench.told.at(-1)).toBe('/3+0/404+0');
  });

  it('tells trailers from heads', () => {
    const trailers = (streamId: number, fields: Partial<HeaderList>): Http2Frame =>
      ({ ...response(streamId), list: list(fields) }) as Http2Frame;
    const bench = new Bench().push('request', request(1)).push('response', response(1, false));
    bench.push('response', trailers(1, { unknown: 2 }));
    expect(bench.pairs[0]?.[1]?.frame).toMatchObject({
      head: { status: 200 },
      trailers: { unknown: 2 },
    });
    // joined in the middle: a body without a head
    bench.push('request', request(3)).push('response', body(3, 5));
    bench.push('response', trailers(3, { unknown: 2 }));
    expect(bench.pairs[1]?.[1]?.frame).toMatchObject({ head: undefined, trailers: { unknown: 2 } });
    // nothing before it: a head whose status is not known
    bench.push('request', request(5)).push('response', trailers(5, { unknown: 2 }));
    expect(bench.pairs[2]?.[1]?.frame).toMatchObject({ head: { unknown: 2 }, trailers: undefined });
  });

  it('counts of a frame that broke off what moved', () => {
    const bench = new Bench().push('request', request(1)).push('response', response(1, false));
    bench.push('response', body(1, 100, true), { bytes: 49, truncated: true }).close();
    expect(bench.told).toEqual(['/1+0/200+40…']);
  });

  it('holds no more streams than it may', () => {
    const bench = new Bench();
    for (let i = 0; i < MAX_STREAMS + 10; i++) bench.push('request', request(1 + 2 * i));
    expect(bench.told.length).toBe(10);
    expect(bench.told[0]).toBe('/1+0/- lost');
    bench.push('response', response(1)).push('response', response(21));
    expect(bench.told.at(-1)).toBe('/21+0/200+0');
    expect(bench.close().told.length).toBe(MAX_STREAMS + 10);
  });

  it('holds no more of their heads than it may', () => {
    const bench = new Bench();
    const bytes = 60_000;
    const held = Math.floor(MAX_HEAD_BYTES / bytes);
    const asks = (id: number): void => {
      const large = { ...request(id), list: list({ method: 'GET', path: '/p', bytes }) };
      bench.push('request', large);
    };
    for (let i = 0; i < held + 5; i++) asks(1 + 2 * i);
    expect(bench.told).toHaveLength(5);
    expect(bench.told[0]).toContain('lost');
    // what was reported is not counted any more
    for (let i = 5; i < held + 5; i++) bench.push('response', response(1 + 2 * i));
    expect(bench.told).toHaveLength(held + 5);
    asks(9001);
    expect(bench.told).toHaveLength(held + 5);
  });

  it('reports promised requests with their responses', () => {
    const bench = new Bench().push('request', request(1));
    const promise = { ...request(1), promisedId: 2, list: list({ method: 'GET', path: '/p' }) };
    bench.push('response', promise).push('response', response(2));
    expect(bench.told).toEqual(['/p+0/200+0']);
    expect(bench.pairs[0]?.[0]?.frame).toMatchObject({ pushed: true, streamId: 2 });
  });
});
