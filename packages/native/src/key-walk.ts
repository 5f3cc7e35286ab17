/**
 * Goes through the keys of a map one by one, the way of kernels that have no batches. The kernel begins again when the
 * current key is deleted meanwhile: known keys are passed over, and the walk ends after a
 * bounded number of steps in any case.
 * @param nextKey - the key after a key, the first one for undefined; undefined at the end
 * @param maxEntries - size of the map
 */
export function walkKeys(
  nextKey: (current: Buffer | undefined) => Buffer | undefined,
  maxEntries: number,
): Buffer[] {
  const found = new Map<string, Buffer>();
  let steps = 16 * Math.min(maxEntries, 1 << 22) + 1024;
  let current = nextKey(undefined);
  while (current !== undefined && steps-- > 0) {
    const text = current.toString('latin1');
    if (!found.has(text)) found.set(text, current);
    current = nextKey(current);
  }
  return [...found.values()];
}
