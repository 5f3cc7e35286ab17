// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { FunctionProbe } from '../plugin/uprobe.js';
import { assembled, failure, plan, refused, type Wish } from './assembled.test-support.js';
import { compile } from './compiled.test-support.js';
import { openElf } from './open-elf.js';

describe('a function that cannot be probed', () => {
  const image = assembled('push rbx\npop rbx\nret');
  const f = image.symbol('f')!;
  const attempt = (change: Partial<FunctionProbe['function']>, wish: Wish = {}) =>
    failure(() => plan(image, { ...wish, function: { ...f, ...change } })).message;

  it.each([
    ['without a size', { size: 0 }, /size is not known/],
    ['with a size that is none', { size: 1.5 }, /size is not known/],
    ['that is too large', { size: 65_537 }, /at most 65536/],
    ['that is not in the file', { address: 0x7fff0000 }, /is not in the file/],
    ['that is longer than its segment', { size: 65_536 }, /is not in the file/],
    ['that ends in an instruction', { address: f.address - 1, size: 0 }, /size/],
  ])('%s is refused', (_, change, why) => {
    expect(attempt(change)).toMatch(why);
  });

  it('whose bytes are no instructions is refused', () => {
    expect(refused('.byte 0x06, 0x07', { when: 'entry' }).message).toMatch(/not only instructions/);
    expect(refused('ret\n.byte 0xe8, 0x01', { when: 'entry' }).message).toMatch(
      /not only instructions/,
    );
  });

  it('that is data is refused', () => {
    const source =
      'const int constant[4] = {1, 2}; int variable[4] = {1, 2}; int entry(void) { return 0; }';
    const options = ['-shared', '-fPIC', '-nostdlib'];
    const data = openElf(compile(source, options));
    for (const name of ['constant', 'variable']) {
      const function_ = data.symbol(name)!;
      expect(failure(() => plan(data, { function: function_ })).message).toMatch(/holds code/);
    }
    const writable = openElf(compile(source, [...options, '-Wl,-N']));
    const entry = { function: writable.symbol('entry')! };
    expect(failure(() => plan(writable, entry)).message).toMatch(/overwritten/);
  });

  it('for a register that does not exist is refused', () => {
    expect(attempt({}, { registers: ['rdi', 'eax'] })).toMatch(/no register eax/);
  });
});
