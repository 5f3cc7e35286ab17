// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { ElfImage } from '../plugin/uprobe.js';
import { failure, type Wish } from './assembled.test-support.js';
import { openElf } from './open-elf.js';
import { planProbe } from './plan-probe.js';

describe('arm64', () => {
  /** An image over words of code at 0x1000. */
  function armImage(words: readonly number[]): ElfImage {
    const code = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => code.writeUInt32LE(word, index * 4));
    const file = Buffer.alloc(0x1000 + code.length);
    file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    file.writeUInt16LE(3, 16);
    file.writeUInt16LE(183, 18);
    file.writeBigUInt64LE(64n, 32);
    file.writeUInt16LE(56, 54);
    file.writeUInt16LE(1, 56);
    file.writeUInt32LE(1, 64);
    file.writeUInt32LE(5, 68);
    file.writeBigUInt64LE(BigInt(file.length), 96);
    file.writeBigUInt64LE(BigInt(file.length), 104);
    code.copy(file, 0x1000);
    return openElf(file);
  }
  const [save, nop, ret, call] = [0xa9bf7bfd, 0xd503201f, 0xd65f03c0, 0x94000001];
  const planArm = (words: readonly number[], wish: Wish, safeReturnProbes = false) => {
    const code = { name: 'f', address: 0x1000, size: words.length * 4 };
    const probe = { program: 'any', function: code, when: 'return' as const, ...wish };
    return planProbe(armImage(words), probe, { safeReturnProbes });
  };

  it('probes entries at the first instruction', () => {
    const [entry] = planArm([save, nop, ret], { when: 'entry' });
    expect(entry).toMatchObject({
      fileOffset: 0x1000,
      cost: 'stepped',
      instruction: '.inst 0xa9bf7bfd',
    });
  });

  it('probes returns at every ret', () => {
    const branch = 0x54000040; // b.eq +8
    const found = planArm([save, branch, ret, call, 0xd65f0140], {});
    expect(
      found.map(({ fileOffset, instruction }) => `${fileOffset - 0x1000} ${instruction}`),
    ).toEqual(['8 ret', '16 ret x10']);
    expect(found[0]!.cost).toBe('emulated');
  });

  it.each([
    ['b far', 0x14000100],
    ['b backwards', 0x17ffff00],
    ['b.eq far', 0x54008000],
    ['cbz far', 0x34008000],
    ['tbz far', 0x36007000],
    ['br x8', 0xd61f0100],
    ['braaz x8', 0xd61f091f],
    ['retaa', 0xd65f0bff],
    ['retab', 0xd65f0fff],
  ])('refuses a function that may leave by %s', (_, word) => {
    expect(failure(() => planArm([save, word, ret], {})).message).toMatch(/may leave by/);
    expect(planArm([save, word, ret], {}, true)[0]!.kind).toBe('return');
  });

  it('takes br in a Go function for a switch', () => {
    expect(planArm([save, 0xd61f0100, ret], { goStackCheck: true, returns: 'sites' })).toHaveLength(
      1,
    );
  });

  it('refuses what is no whole number of instructions', () => {
    const code = { name: 'f', address: 0x1002, size: 4 };
    const act = () => planArm([save, nop, ret], { function: code });
    expect(failure(act).message).toMatch(/whole instructions/);
  });
});
