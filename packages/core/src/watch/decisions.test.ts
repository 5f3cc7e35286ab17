// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Decisions, type NamedFile } from './decisions.js';
import type { FileState, OpenedFile } from './opened-file.js';
import { WatchedFile } from './watched-file.js';

const state: FileState = {
  device: 1n,
  inode: 2n,
  size: 3n,
  modifiedNs: 4n,
  changedNs: 5n,
  names: 1n,
};

function named(current: FileState | undefined): NamedFile & { asked: number } {
  const file = {
    key: 'a file',
    path: '/a',
    isExecutable: false,
    asked: 0,
    state: () => {
      file.asked++;
      return current;
    },
    open: (): OpenedFile => {
      throw new Error('opened');
    },
  };
  return file;
}

describe('Decisions', () => {
  it('does not look at a file again for a second', () => {
    const decisions = new Decisions();
    const file = named(state);
    decisions.set(file, 0, state, undefined);
    for (let i = 0; i < 100; i++) expect(decisions.get(file, i * 9e6)).toBeDefined();
    expect(file.asked).toBe(0);
    expect(decisions.get(file, 1.1e9)).toBeDefined();
    expect(decisions.get(file, 2e9)).toBeDefined();
    expect(file.asked).toBe(1);
  });

  it.each([
    ['is gone', undefined],
    ['is another one', { ...state, inode: 9n }],
    ['was written to', { ...state, modifiedNs: 9n }],
    ['has the number of one that was deleted', { ...state, changedNs: 9n }],
  ])('decides anew when the file %s', (_, current) => {
    const decisions = new Decisions();
    decisions.set(named(state), 0, state, undefined);
    expect(decisions.get(named(current), 0.9e9)).toBeDefined();
    expect(decisions.get(named(current), 1.1e9)).toBeUndefined();
    if (current !== undefined) {
      expect(decisions.get({ ...named(current), state: current }, 0)).toBeUndefined();
    }
  });

  it('decides anew about what could not be opened, and when a placement was removed', () => {
    const decisions = new Decisions();
    decisions.set(named(state), 0, undefined, undefined);
    expect(decisions.get(named(state), 0.9e9)).toBeDefined();
    expect(decisions.get(named(state), 1.1e9)).toBeUndefined();
    const file = new WatchedFile('1:2', undefined as unknown as OpenedFile);
    decisions.set(named(state), 0, state, file);
    expect(decisions.get(named({ ...state, changedNs: 9n, names: 2n }), 1.1e9)?.file).toBe(file);
    expect(decisions.get(named({ ...state, changedNs: 9n }), 2.2e9)).toBeUndefined();
    file.revision++;
    expect(decisions.get(named(state), 0)).toBeUndefined();
  });
});
