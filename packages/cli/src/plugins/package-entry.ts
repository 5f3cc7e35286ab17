// SPDX-License-Identifier: Apache-2.0

/** Conditions under which Node resolves an `import`. */
const conditions = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * The file that `import 'package'` would load, relative to its folder, by the `exports` or `main` of its package.json
 * (Node's documentation, "Packages", "Conditional exports"). Undefined when it names none.
 */
export function entryOfPackage(manifest: Readonly<Record<string, unknown>>): string | undefined {
  const { exports, main } = manifest;
  if (exports !== undefined && exports !== null) return targetOf(rootOf(exports));
  return typeof main === 'string' && main !== '' ? main : undefined;
}

/** What stands for the package itself: `exports` may be that, or map it from `.`. */
function rootOf(exports: unknown): unknown {
  if (typeof exports !== 'object' || exports === null || Array.isArray(exports)) return exports;
  const keys = Object.keys(exports);
  return keys.some((key) => key.startsWith('.')) ? Reflect.get(exports, '.') : exports;
}

function targetOf(target: unknown): string | undefined {
  if (typeof target === 'string') return target.startsWith('./') ? target : undefined;
  if (typeof target !== 'object' || target === null) return undefined;
  const values = Array.isArray(target)
    ? (target as unknown[])
    : Object.entries(target)
        .filter(([condition]) => conditions.has(condition))
        .map(([, value]) => value as unknown);
  for (const value of values) {
    const found = targetOf(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
