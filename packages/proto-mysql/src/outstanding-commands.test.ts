// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { commandOf } from './commands.js';
import type { MysqlRequestFrame } from './frames.js';
import { OutstandingCommands } from './outstanding-commands.js';

const query = commandOf(3, 9)!;
const command = (latin1: string): MysqlRequestFrame =>
  ({ command: query, statement: { latin1 } }) as MysqlRequestFrame;
const [a, b, c] = ['a', 'b', 'c'].map(command) as [
  MysqlRequestFrame,
  MysqlRequestFrame,
  MysqlRequestFrame,
];
const second = 1e9;

describe('what a response answers', () => {
  it('is the oldest command, as long as nothing is lost', () => {
    const outstanding = new OutstandingCommands(false);
    outstanding.push(a, 1);
    outstanding.push(b, 1);
    expect(outstanding.answeredAt(2)).toBe(a);
    expect([outstanding.answer(2), outstanding.answer(3), outstanding.answer(4)]).toEqual([
      a,
      b,
      undefined,
    ]);
  });

  it('is the last command when responses were lost', () => {
    const outstanding = new OutstandingCommands(false);
    outstanding.push(a, 1);
    outstanding.push(b, 3);
    outstanding.lostResponses();
    expect(outstanding.answer(4)).toBe(b);
    expect(outstanding.length).toBe(0);
  });

  it('is not known after a loss on a connection that pipelines, until all was quiet', () => {
    const outstanding = new OutstandingCommands(false);
    outstanding.push(a, 1);
    outstanding.push(b, 1);
    outstanding.lostResponses();
    expect(outstanding.answer(2)).toBeUndefined();
    outstanding.push(c, 3);
    expect(outstanding.answer(4)).toBeUndefined();
    outstanding.push(c, 4 + second);
    expect(outstanding.answer(5 + second)).toBe(c);
  });

  it('sees that a connection pipelines by a response that comes behind two commands', () => {
    const late = new OutstandingCommands(false);
    late.push(a, 1);
    late.push(b, 2);
    late.answer(3);
    late.push(c, 4);
    late.lostResponses();
    expect(late.answer(5)).toBeUndefined();
    // its response had begun before the second command was sent
    const early = new OutstandingCommands(false);
    early.push(a, 1);
    early.push(b, 3);
    early.answer(2);
    early.lostResponses();
    expect(early.answer(4)).toBe(b);
  });

  it('is no command that was sent later', () => {
    const outstanding = new OutstandingCommands(false);
    outstanding.push(a, 5);
    expect(outstanding.answer(4)).toBeUndefined();
    expect(outstanding.answer(5)).toBe(a);
  });

  it('is no command that was answered before its end was seen', () => {
    const outstanding = new OutstandingCommands(false);
    outstanding.answer(6);
    outstanding.push(a, 5);
    outstanding.push(b, 7);
    expect(outstanding.answer(8)).toBe(b);
  });

  it('is not known when a command may be lost, until another is sent', () => {
    const outstanding = new OutstandingCommands(false);
    outstanding.push(a, 1);
    outstanding.lostCommands(2);
    expect(outstanding.answeredAt(3)).toBeUndefined();
    expect(outstanding.answer(3)).toBeUndefined();
    outstanding.push(b, 4);
    expect(outstanding.answer(5)).toBe(b);
  });

  it('is not known of an older connection while there are several', () => {
    const outstanding = new OutstandingCommands(true);
    expect(outstanding.answer(1)).toBeUndefined();
    outstanding.push(a, 2);
    expect(outstanding.answer(3)).toBe(a);
    const several = new OutstandingCommands(true);
    several.push(a, 2);
    several.push(b, 3);
    expect(several.answer(4)).toBeUndefined();
  });

  it('keeps a bounded number, and bounded statements', () => {
    const outstanding = new OutstandingCommands(false);
    const long = command('x'.repeat(600_000));
    expect(outstanding.allowedBytes(600_000)).toBe(600_000);
    outstanding.push(long, 1);
    expect(outstanding.allowedBytes(600_000)).toBe(1024 * 1024 - 600_000);
    outstanding.answer(2);
    expect(outstanding.allowedBytes(600_000)).toBe(600_000);
    for (let i = 0; i < 5000; i++) outstanding.push(a, 10 + i);
    expect(outstanding.length).toBeLessThanOrEqual(4096);
    expect(outstanding.answeredAt(6000)).toBeUndefined();
  });
});
