// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { PluginNames } from './plugin-names.js';

/** Versions of what a plugin is built and tested with. */
const tools = {
  '@types/node': '^20.19.0',
  tsup: '^8.5.1',
  typescript: '^5.9.3',
  vitest: '^4.1.12',
};

/** The package.json of a new plugin. */
export function packageJson(names: PluginNames): string {
  // This package has the version of the others that were released with it.
  const own = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const libtrace = `^${(JSON.parse(own) as { readonly version: string }).version}`;
  const json = {
    name: names.package,
    version: '0.1.0',
    description: `The protocol ${names.plugin} for libtrace`,
    license: 'UNLICENSED',
    keywords: ['libtrace', 'libtrace-plugin'],
    type: 'module',
    engines: { node: '>=20.19' },
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist'],
    scripts: {
      build: 'tsup',
      typecheck: 'tsc',
      test: 'vitest run',
      prepack: 'npm run build',
    },
    peerDependencies: { '@libtrace/core': libtrace },
    devDependencies: { '@libtrace/core': libtrace, '@libtrace/testkit': libtrace, ...tools },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
