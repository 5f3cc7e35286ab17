// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RecordQueue } from './record-queue.js';

function setUp(max: number) {
  let dropped = 0;
  let returned = 0;
  const queue = new RecordQueue<number>(
    max,
    () => dropped++,
    () => returned++,
  );
  return { queue, dropped: () => dropped, returned: () => returned };
}

async function drain(queue: RecordQueue<number>): Promise<number[]> {
  const all: number[] = [];
  for (let next = await queue.next(); next.done !== true; next = await queue.next()) {
    all.push(next.value);
  }
  return all;
}

describe('RecordQueue', () => {
  it('hands out records in order, then ends', async () => {
    const { queue } = setUp(10);
    for (const record of [1, 2, 3]) queue.push(record);
    queue.end();
    expect(await drain(queue)).toEqual([1, 2, 3]);
  });

  it('wakes who waits, in turn', async () => {
    const { queue } = setUp(10);
    const waiting = [queue.next(), queue.next(), queue.next()];
    queue.push(1);
    queue.push(2);
    queue.end();
    expect(await Promise.all(waiting)).toEqual([
      { value: 1, done: false },
      { value: 2, done: false },
      { value: undefined, done: true },
    ]);
  });

  it('drops the oldest when it is full, and says so', async () => {
    const { queue, dropped } = setUp(3);
    for (let i = 0; i < 10; i++) queue.push(i);
    queue.end();
    expect(dropped()).toBe(7);
    expect(await drain(queue)).toEqual([7, 8, 9]);
  });

  it('keeps order and memory over many records', async () => {
    const { queue, dropped } = setUp(100);
    for (let i = 0; i < 50_000; i++) {
      queue.push(i);
      if (i >= 50) expect((await queue.next()).value).toBe(i - 50);
    }
    expect(dropped()).toBe(0);
  });

  it('forgets what waits when the loop is left', async () => {
    const { queue, returned } = setUp(10);
    queue.push(1);
    await queue.return();
    expect(await queue.next()).toEqual({ value: undefined, done: true });
    expect(returned()).toBe(1);
  });
});
