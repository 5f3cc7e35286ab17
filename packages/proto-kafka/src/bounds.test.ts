// SPDX-License-Identifier: Apache-2.0
// What is kept is bounded.
import { describe, expect, it } from 'vitest';
import { Connection } from './connection.test-support.js';
import { apiVersions, apiVersionsAnswer, idFor, request, Wire } from './messages.test-support.js';
import { Outstanding } from './outstanding.js';
import { TopicIds } from './topic-ids.js';

describe('topic ids', () => {
  it('are forgotten beyond 10,000, the ones not learned again first', () => {
    const ids = new TopicIds();
    for (let i = 0; i < 10_000; i++) ids.learn(`id-${i}`, `topic-${i}`);
    ids.learn('id-0', 'topic-0');
    ids.learn('another', 'other');
    expect(ids.size).toBe(10_000);
    expect(ids.nameOf('id-0')).toBe('topic-0');
    expect(ids.nameOf('id-1')).toBeUndefined();
    expect(ids.nameOf('another')).toBe('other');
  });

  it('are written as Kafka writes them', () => {
    expect(idFor('x').text).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

describe('outstanding requests', () => {
  it('are forgotten beyond a limit, the oldest first', () => {
    const requests = new Outstanding(3);
    for (let id = 1; id <= 4; id++) requests.add(id, 3, id);
    expect(requests.size).toBe(3);
    expect(requests.get(1)).toBeUndefined();
    expect(requests.get(-1)).toBeUndefined();
    expect(requests.get(4)).toEqual({ apiKey: 3, apiVersion: 4 });
    requests.add(2, 1, 12);
    requests.add(5, 0, 0);
    expect(requests.get(2)).toEqual({ apiKey: 1, apiVersion: 12 });
    expect(requests.get(3)).toBeUndefined();
    expect([requests.delete(5), requests.delete(5)]).toEqual([true, false]);
  });
});

describe('a name', () => {
  it('that is longer than names are is not kept', () => {
    const long = 'x'.repeat(5000);
    const { records } = new Connection()
      .asks(apiVersions(0))
      .answers(apiVersionsAnswer(0))
      .asks(request(12, 1, 1, new Wire().string(long).i32(1).string('m')))
      .asks(request(12, 1, 2, new Wire().string('short').i32(1).string('m')))
      .close();
    const groups = records
      .slice(1)
      .map(({ attributes }) => attributes['messaging.consumer.group.name']);
    expect(groups).toEqual([undefined, 'short']);
  });
});
