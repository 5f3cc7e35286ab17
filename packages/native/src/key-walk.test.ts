import { expect, it } from 'vitest';
import { walkKeys } from './key-walk.js';

/** A hash map as the kernel shows it: after a key that is gone, it begins again. */
class KernelMap {
  readonly keys: string[];
  steps = 0;

  constructor(keys: readonly string[]) {
    this.keys = [...keys];
  }

  next(current: Buffer | undefined): Buffer | undefined {
    this.steps++;
    const at = current === undefined ? -1 : this.keys.indexOf(current.toString('latin1'));
    const key = this.keys[at + 1];
    return key === undefined ? undefined : Buffer.from(key, 'latin1');
  }
}

const names = (keys: readonly Buffer[]): string[] => keys.map((key) => key.toString('latin1'));

it('finds all keys of a map that does not change', () => {
  const map = new KernelMap(['a', 'b', 'c']);
  expect(names(walkKeys((key) => map.next(key), 10))).toEqual(['a', 'b', 'c']);
  expect(walkKeys(() => undefined, 10)).toEqual([]);
});

it('finds every key that stays once, while others are deleted under way', () => {
  const map = new KernelMap(Array.from({ length: 60 }, (_, i) => `k${i}`));
  const found = names(
    walkKeys((key) => {
      const next = map.next(key);
      if (map.steps % 7 === 3 && next !== undefined) {
        const text = next.toString('latin1');
        if (Number(text.slice(1)) % 3 === 0) map.keys.splice(map.keys.indexOf(text), 1); // the current one goes
      }
      return next;
    }, 60),
  );
  expect(new Set(found).size).toBe(found.length);
  const stayed = Array.from({ length: 60 }, (_, i) => i).filter((i) => i % 3 !== 0);
  expect(found).toEqual(expect.arrayContaining(stayed.map((i) => `k${i}`)));
});

it('ends even when the map never lets it', () => {
  let steps = 0;
  const found = walkKeys(() => Buffer.from(`endless${steps++ % 50}`), 100);
  expect(found).toHaveLength(50);
  expect(steps).toBeLessThan(10_000);
});
