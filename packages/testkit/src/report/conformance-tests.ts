// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol } from '@libtrace/core';
import { checks, runCheck, type CheckName, type CheckOptions } from '../check-plugin.js';
import { formatFinding } from './format-report.js';

/** What is needed of a test framework: vitest, Jest, Mocha and `node:test` have it. */
export interface TestFramework {
  /** Groups tests. */
  describe(name: string, body: () => void): unknown;
  /** A test. `timeoutMs` is its time limit; a framework that takes none may leave it. */
  it(name: string, body: () => Promise<void>, timeoutMs?: number): unknown;
}

/**
 * The checks of {@link checkPlugin}, a test each.
 *
 * ```ts
 * import { conformanceTests, readFixtures } from '@libtrace/testkit';
 * import { describe, it } from 'vitest';
 * import { memcached } from '../src/index.js';
 *
 * conformanceTests({ describe, it }, memcached, {
 *   fixtures: await readFixtures(new URL('../fixtures/', import.meta.url)),
 * });
 * ```
 * A test that fails says what is wrong, where (`cut before byte 17 of the client`), and how to see it again.
 */
export function conformanceTests(
  framework: TestFramework,
  factory: () => AnyProtocol,
  options: CheckOptions,
): void {
  const names = options.only ?? (Object.keys(checks) as CheckName[]);
  framework.describe(`conformance of ${factory().name}`, () => {
    for (const name of names) {
      if (options.except?.[name] !== undefined) continue;
      const body = async (): Promise<void> => {
        const { findings } = await runCheck(name, factory, options);
        if (findings.length > 0) throw new Error(`\n${findings.map(formatFinding).join('\n\n')}\n`);
      };
      // node:test takes no number here; it has no time limit either.
      framework.it(`${name}: ${checks[name]}`, body, options.effort === 'full' ? 600_000 : 120_000);
    }
  });
}
