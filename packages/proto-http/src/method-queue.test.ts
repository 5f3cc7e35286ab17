// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { MethodQueue } from './method-queue.js';

describe('MethodQueue', () => {
  it('tells which responses answer HEAD and CONNECT', () => {
    const queue = new MethodQueue(true);
    for (const method of ['GET', 'HEAD', 'HEAD', 'POST', 'CONNECT']) queue.request(method);
    const answers = Array.from({ length: 6 }, () => queue.response());
    expect(answers).toEqual(['other', 'head', 'head', 'other', 'connect', 'unseen']);
  });

  it('does not shift when the event of a request comes behind its response', () => {
    const queue = new MethodQueue(true);
    expect(queue.response()).toBe('unseen');
    queue.request('GET');
    queue.request('HEAD');
    expect(queue.response()).toBe('head');
  });

  it('does not count responses to requests from before the tracing', () => {
    const queue = new MethodQueue(false);
    expect(queue.response()).toBe('unseen');
    queue.request('HEAD');
    expect(queue.response()).toBe('head');
  });

  it('is sure again when one request and one response followed each other, not before', () => {
    const queue = new MethodQueue(true);
    queue.request('GET');
    queue.lose();
    expect([queue.sure, queue.waiting]).toEqual([false, false]);
    queue.request('GET');
    queue.response();
    expect(queue.sure).toBe(false);
    queue.response();
    queue.request('GET');
    expect(queue.sure).toBe(false);
    queue.response();
    queue.request('GET');
    expect(queue.sure).toBe(true);
  });

  it('is not sure behind pipelined requests', () => {
    const queue = new MethodQueue(false);
    queue.request('GET');
    queue.request('GET');
    queue.response();
    queue.request('GET');
    expect(queue.sure).toBe(false);
  });
});
