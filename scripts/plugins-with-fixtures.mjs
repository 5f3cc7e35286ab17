// SPDX-License-Identifier: Apache-2.0
// The plugins of packages/proto-*, each with its fixtures: for the conformance tests, the fuzzer, the confusion matrix.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFixtures } from '@libtrace/testkit';

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages');

/**
 * Every protocol package: its factory (the default export), the fixtures in its folder `fixtures`, and what
 * `fixtures/conformance.json` says of its tolerance.
 */
export async function pluginsWithFixtures() {
  const names = readdirSync(packages).filter((name) => name.startsWith('proto-'));
  return Promise.all(
    names.sort().map(async (name) => {
      const exported = await import(`@libtrace/${name}`);
      const factory = exported.default;
      if (typeof factory !== 'function') throw new Error(`@libtrace/${name} has no default export`);
      const folder = join(packages, name, 'fixtures');
      const rules = join(folder, 'conformance.json');
      return {
        name: factory().name,
        package: name,
        factory: () => factory(),
        fixtures: existsSync(folder) ? readFixtures(folder) : [],
        rules: existsSync(rules) ? JSON.parse(readFileSync(rules, 'utf8')) : {},
      };
    }),
  );
}
