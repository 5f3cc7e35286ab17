// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ByKeyMatcher } from './by-key-matcher.js';
import type { Message } from '../plugin/index.js';
import type { Lane } from './exchange-matcher.js';
import { TimedMessage } from './timed-message.js';

const lane: Lane = {
  received: 0,
  busy: false,
  seeking: false,
  messageStart: 0,
  takeHeld: () => undefined,
};
const process = { pid: 1, ppid: 0, comm: '', exe: '', cgroup: '' };

function setUp() {
  const emitted: string[] = [];
  const name = (message: Message<unknown> | undefined): string =>
    message === undefined ? '-' : (message.frame as string);
  const matcher = new ByKeyMatcher(
    (request, response, absence) =>
      emitted.push(`${name(request)}/${name(response)}${absence === 'none' ? '' : ` ${absence}`}`),
    { key: (frame) => (frame as string).slice(1, 2) },
    lane,
    lane,
    1000,
  );
  const message = (frame: string): TimedMessage =>
    new TimedMessage(frame, 0, 0, 0, 1, 0, false, 0, process, 1);
  return {
    emitted,
    matcher,
    request: (frame: string) => matcher.request(message(frame)),
    response: (frame: string) => matcher.response(message(frame)),
  };
}

describe('ByKeyMatcher', () => {
  it('reports an outstanding request whose key is used again', () => {
    const { request, response, emitted } = setUp();
    request('Q1');
    request('Q1 again');
    response('S1');
    expect(emitted).toEqual(['Q1/- lost', 'Q1 again/S1']);
  });

  it('reports a waiting response whose key comes again', () => {
    const { request, response, emitted } = setUp();
    response('S1');
    response('S1 again');
    request('Q1');
    expect(emitted).toEqual(['-/S1', 'Q1/S1 again']);
  });

  it('reports everything at the end', () => {
    const { request, response, matcher, emitted } = setUp();
    request('Q1');
    request('Q2');
    response('S8');
    response('S9');
    expect(matcher.waiting).toBe(true);
    matcher.close();
    expect(emitted).toEqual(['-/S8', '-/S9', 'Q1/- unanswered', 'Q2/- unanswered']);
    expect(matcher.waiting).toBe(false);
  });

  it('keeps at most 4096 messages of each side', () => {
    const emitted: string[] = [];
    const keyed = new ByKeyMatcher(
      (request, response, absence) =>
        emitted.push(`${(request ?? response)?.frame as number} ${absence}`),
      { key: (frame) => frame as number },
      lane,
      lane,
      1000,
    );
    for (let i = 0; i < 4097; i++) {
      keyed.request(new TimedMessage(i, 0, 0, 0, 1, 0, false, 0, process, 1));
      keyed.response(new TimedMessage(10_000 + i, 0, 0, 0, 1, 0, false, 0, process, 1));
    }
    expect(emitted).toEqual(['0 lost', '10000 none']);
  });

  it('lets responses wait for requests that moved before them, when the parser needs these', () => {
    const requests = { ...lane, received: 10 };
    const keyed = (needsRequest: boolean): ByKeyMatcher =>
      new ByKeyMatcher(() => undefined, { key: () => 1, needsRequest }, requests, lane, 1000);
    expect(keyed(true).mustWait(11)).toBe(true);
    expect(keyed(true).mustWait(10)).toBe(false);
    expect(keyed(false).mustWait(11)).toBe(false);
  });
});
