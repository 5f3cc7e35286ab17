// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../plugin/index.js';
import { describe, expect, it } from 'vitest';
import type { Lane } from './exchange-matcher.js';
import { InOrderMatcher } from './in-order-matcher.js';
import { TimedMessage } from './timed-message.js';

const process = { pid: 1, ppid: 0, comm: '', exe: '', cgroup: '' };

interface Told {
  start: number;
  end: number;
  opposite: number;
  atNs?: number;
}

function message(name: string, { start, end, opposite, atNs = 0 }: Told): TimedMessage {
  return new TimedMessage(name, atNs, atNs, start, end, 0, false, opposite, process, 1);
}

function nameOf(message: Message<unknown> | undefined): string {
  return message === undefined ? '-' : (message.frame as string);
}

function lane(): { -readonly [K in keyof Lane]: Lane[K] } {
  return {
    received: 0,
    busy: false,
    seeking: false,
    messageStart: 0,
    takeHeld: () => undefined,
  };
}

function setUp(midstream = false) {
  const requests = lane();
  const responses = lane();
  const emitted: string[] = [];
  const matcher = new InOrderMatcher(
    (request, response, absence) =>
      emitted.push(
        `${nameOf(request)}/${nameOf(response)}${absence === 'none' ? '' : ` ${absence}`}`,
      ),
    requests,
    responses,
    midstream,
    1000,
  );
  return {
    matcher,
    requests,
    responses,
    emitted,
    request: (name: string, told: Told): void => {
      requests.received = Math.max(requests.received, told.end);
      matcher.request(message(name, told));
    },
    response: (name: string, told: Told): void => {
      responses.received = Math.max(responses.received, told.end);
      matcher.response(message(name, told));
    },
  };
}

describe('InOrderMatcher', () => {
  it('pairs first with first', () => {
    const { request, response, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    request('R2', { start: 10, end: 20, opposite: 0 });
    response('S1', { start: 0, end: 50, opposite: 20 });
    response('S2', { start: 50, end: 90, opposite: 20 });
    expect(emitted).toEqual(['R1/S1', 'R2/S2']);
  });

  it('keeps pairing what came before a gap in the requests', () => {
    const { request, response, matcher, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    matcher.lost('request', false);
    request('R3', { start: 20, end: 30, opposite: 0 });
    response('S1', { start: 0, end: 50, opposite: 30 });
    expect(emitted).toEqual(['R1/S1']);
  });

  it('gives the response to a hidden request to nobody', () => {
    const { request, response, matcher, emitted } = setUp();
    matcher.lost('request', false);
    request('R2', { start: 10, end: 20, opposite: 0 });
    response('S1', { start: 0, end: 50, opposite: 20 });
    expect(emitted).toEqual(['-/S1', 'R2/- lost']);
  });

  it('finds the pairs again after a lost response', () => {
    const { request, response, matcher, responses, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    responses.received = 50;
    matcher.lost('response', false);
    request('R2', { start: 10, end: 20, opposite: 50 });
    response('S2', { start: 50, end: 90, opposite: 20 });
    request('R3', { start: 20, end: 30, opposite: 90 });
    response('S3', { start: 90, end: 99, opposite: 30 });
    expect(emitted).toEqual(['R1/- lost', 'R2/S2', 'R3/S3']);
  });

  it('does not pair a response with a request that a hidden one followed', () => {
    const { request, response, matcher, responses, emitted } = setUp();
    request('R2', { start: 0, end: 10, opposite: 0 });
    responses.received = 50;
    matcher.lost('response', false);
    response('S3', { start: 50, end: 90, opposite: 20 });
    expect(emitted).toEqual(['-/S3', 'R2/- lost']);
  });

  it('does not pair when another request may have been outstanding: the request stream was longer', () => {
    const { request, response, emitted } = setUp(true);
    request('R2', { start: 100, end: 120, opposite: 40 });
    response('S?', { start: 40, end: 90, opposite: 140 });
    expect(emitted).toEqual(['-/S?', 'R2/- lost']);
  });

  it('does not pair when bytes of another response moved in between', () => {
    const { request, response, matcher, responses, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    responses.received = 100;
    matcher.lost('response', false);
    request('R2', { start: 10, end: 20, opposite: 40 });
    request('R3', { start: 20, end: 30, opposite: 80 });
    response('S2', { start: 100, end: 150, opposite: 30 });
    expect(emitted).toEqual(['-/S2', 'R1/- lost', 'R2/- lost', 'R3/- lost']);
  });

  it('pairs the first exchange after joining between two exchanges', () => {
    const { request, response, emitted } = setUp(true);
    request('R1', { start: 100, end: 120, opposite: 40 });
    response('S1', { start: 40, end: 90, opposite: 120 });
    expect(emitted).toEqual(['R1/S1']);
  });

  it('reports the request of a response that broke off at once', () => {
    const { request, matcher, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    matcher.lost('response', true);
    expect(emitted).toEqual(['R1/- lost']);
  });

  it('knows pipelining from two responses without a request byte between them', () => {
    const { request, response, matcher, emitted } = setUp();
    matcher.lost('request', false);
    response('S1', { start: 0, end: 50, opposite: 30 });
    response('S2', { start: 50, end: 90, opposite: 30 });
    request('R4', { start: 30, end: 40, opposite: 90 });
    response('S?', { start: 90, end: 99, opposite: 40 });
    expect(emitted).toEqual(['-/S1', '-/S2', 'R4/- lost', '-/S?']);
  });

  describe('after pipelined messages were lost', () => {
    function ambiguous() {
      const set = setUp();
      set.request('R1', { start: 0, end: 10, opposite: 0 });
      set.request('R2', { start: 10, end: 20, opposite: 0 });
      set.responses.received = 50;
      set.matcher.lost('response', false);
      set.response('S2', { start: 50, end: 90, opposite: 20 });
      expect(set.emitted.splice(0)).toEqual(['-/S2', 'R1/- lost', 'R2/- lost']);
      return set;
    }

    it('pairs nothing, and holds nothing back', () => {
      const { request, response, emitted } = ambiguous();
      request('R3', { start: 20, end: 30, opposite: 90 });
      expect(emitted).toEqual(['R3/- lost']);
      response('S3', { start: 90, end: 99, opposite: 30 });
      expect(emitted).toEqual(['R3/- lost', '-/S3']);
    });

    it('pairs again after a second of silence', () => {
      const { request, response, matcher, emitted } = ambiguous();
      matcher.requestArrives(90, 5e9, 4.5e9, false);
      request('R3', { start: 20, end: 30, opposite: 90 });
      response('S3', { start: 90, end: 99, opposite: 30 });
      expect(emitted.splice(0)).toEqual(['R3/- lost', '-/S3']);
      matcher.requestArrives(99, 7e9, 5e9, false);
      request('R4', { start: 30, end: 40, opposite: 99 });
      response('S4', { start: 99, end: 120, opposite: 40 });
      expect(emitted).toEqual(['R4/S4']);
    });

    it('pairs again after a silence when the end of the responses was lost', () => {
      const { request, response, responses, matcher, emitted } = ambiguous();
      responses.received = 90;
      matcher.requestArrives(500, 7e9, 5e9, true);
      matcher.lost('request', false);
      request('R9', { start: 70, end: 80, opposite: 500 });
      request('R10', { start: 80, end: 90, opposite: 500 });
      matcher.lost('response', true);
      response('S9', { start: 500, end: 510, opposite: 90 });
      response('S10', { start: 510, end: 520, opposite: 90 });
      expect(emitted).toEqual(['R9/S9', 'R10/S10']);
    });

    it('pairs nothing after such a silence when the response begins elsewhere', () => {
      const { request, response, responses, matcher, emitted } = ambiguous();
      responses.received = 90;
      matcher.requestArrives(500, 7e9, 5e9, true);
      request('R9', { start: 70, end: 80, opposite: 500 });
      matcher.lost('response', true);
      response('S?', { start: 505, end: 510, opposite: 80 });
      expect(emitted).toEqual(['-/S?', 'R9/- lost']);
    });

    it('does not take missing bytes before a request for answered ones when the silence may be a loss', () => {
      const { request, response, responses, matcher, emitted } = ambiguous();
      responses.received = 90;
      matcher.requestArrives(500, 7e9, 5e9, false);
      matcher.lost('request', false);
      request('R9', { start: 70, end: 80, opposite: 500 });
      matcher.lost('response', true);
      response('S?', { start: 500, end: 510, opposite: 80 });
      expect(emitted).toEqual(['-/S?', 'R9/- lost']);
    });

    it('does not trust a silence during which a response was owed', () => {
      const { request, responses, matcher, emitted } = ambiguous();
      responses.busy = true;
      matcher.requestArrives(90, 7e9, 4e9, false);
      request('R3', { start: 20, end: 30, opposite: 90 });
      expect(emitted).toEqual(['R3/- lost']);
    });
  });

  it('makes a response wait while bytes before it are on their way', () => {
    const { request, matcher, responses } = setUp();
    expect(matcher.mustWait(10)).toBe(true);
    request('R1', { start: 0, end: 10, opposite: 0 });
    expect(matcher.mustWait(20)).toBe(false);
    responses.received = 50;
    matcher.lost('response', false);
    expect(matcher.mustWait(20)).toBe(true);
    expect(matcher.mustWait(10)).toBe(false);
  });

  it('reports a request that comes after its response was given up, and pairs the next', () => {
    const { request, response, emitted } = setUp();
    response('S1', { start: 0, end: 50, opposite: 10 });
    request('R1', { start: 0, end: 10, opposite: 0 });
    request('R2', { start: 10, end: 20, opposite: 50 });
    response('S2', { start: 50, end: 90, opposite: 20 });
    expect(emitted).toEqual(['-/S1', 'R1/- lost', 'R2/S2']);
  });

  it('keeps a response to a request in progress until that is whole', () => {
    const { request, response, requests, emitted } = setUp();
    requests.busy = true;
    requests.received = 10;
    response('S1', { start: 0, end: 50, opposite: 10 });
    expect(emitted).toEqual([]);
    requests.busy = false;
    request('R1', { start: 0, end: 100, opposite: 0 });
    expect(emitted).toEqual(['R1/S1']);
  });

  it('reports a response to a request in progress after 5 s, with what is known of the request', () => {
    const { response, matcher, requests, emitted } = setUp();
    requests.busy = true;
    requests.received = 10;
    requests.takeHeld = () => message('R1…', { start: 0, end: 10, opposite: 0 });
    response('S1', { start: 0, end: 50, opposite: 10, atNs: 1e9 });
    matcher.tick(5.9e9, false);
    expect(emitted).toEqual([]);
    matcher.tick(6e9, false);
    expect(emitted).toEqual(['R1…/S1']);
  });

  it('gives a late response to nobody after its request timed out', () => {
    const { request, response, matcher, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0, atNs: 0 });
    matcher.tick(0.9e9, false);
    expect(emitted).toEqual([]);
    matcher.tick(1e9, false);
    expect(emitted).toEqual(['R1/- unanswered']);
    request('R2', { start: 10, end: 20, opposite: 0, atNs: 2e9 });
    response('S1', { start: 0, end: 50, opposite: 20 });
    response('S2', { start: 50, end: 90, opposite: 20 });
    expect(emitted).toEqual(['R1/- unanswered', '-/S1', 'R2/S2']);
  });

  it('trusts no order after a request timed out behind a gap', () => {
    const { request, response, matcher, emitted } = setUp();
    matcher.lost('request', false);
    request('R2', { start: 10, end: 20, opposite: 0 });
    matcher.tick(2e9, false);
    request('R3', { start: 20, end: 30, opposite: 0, atNs: 2e9 });
    response('S1', { start: 0, end: 50, opposite: 30 });
    response('S2', { start: 50, end: 90, opposite: 30 });
    expect(emitted).toEqual(['R2/- unanswered', '-/S1', 'R3/- lost', '-/S2']);
  });

  it('reports a response to a request in progress alone when that is lost', () => {
    const { request, response, matcher, requests, emitted } = setUp();
    requests.busy = true;
    requests.received = 10;
    response('S1', { start: 0, end: 50, opposite: 10 });
    matcher.lost('request', true);
    expect(emitted).toEqual(['-/S1']);
    request('R2', { start: 20, end: 30, opposite: 50 });
    response('S2', { start: 50, end: 90, opposite: 30 });
    expect(emitted).toEqual(['-/S1', 'R2/S2']);
  });

  it('does not time out a request whose response is in progress', () => {
    const { request, matcher, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    matcher.tick(9e9, true);
    expect(emitted).toEqual([]);
  });

  it('calls a request unanswered only if no response bytes may have been lost since', () => {
    const { request, matcher, responses, emitted } = setUp(true);
    request('R1', { start: 0, end: 10, opposite: 40 });
    responses.received = 40;
    matcher.tick(2e9, false);
    request('R2', { start: 10, end: 20, opposite: 40, atNs: 2e9 });
    responses.received = 60;
    matcher.lost('response', false);
    matcher.tick(4e9, false);
    expect(emitted).toEqual(['R1/- unanswered', 'R2/- lost']);
  });

  it('keeps at most 4096 requests and stays exact', () => {
    const { request, response, emitted } = setUp();
    for (let i = 0; i < 4097; i++) request(`R${i}`, { start: i, end: i + 1, opposite: 0 });
    expect(emitted).toEqual(['R0/- lost']);
    response('S0', { start: 0, end: 5, opposite: 4097 });
    response('S1', { start: 5, end: 9, opposite: 4097 });
    expect(emitted).toEqual(['R0/- lost', '-/S0', 'R1/S1']);
  });

  it('at the end reports what is outstanding', () => {
    const { request, matcher, emitted } = setUp();
    request('R1', { start: 0, end: 10, opposite: 0 });
    request('R2', { start: 10, end: 20, opposite: 0 });
    matcher.close(7);
    expect(emitted).toEqual(['R1/- fragment', 'R2/- unanswered']);
  });
});
