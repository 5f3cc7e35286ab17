// SPDX-License-Identifier: Apache-2.0
// Checks what is published, as it is published: `node scripts/packaging/check.mjs`. Packs every package; looks at the tarballs;
// then, outside of the repository, installs them as a plugin's author and as a user would. Needs built packages and the npm
// registry (typescript, tsup, vitest). Closes with one line: `N passed, N failed`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  buildAndTest,
  checkInspected,
  checkListed,
  checkRead,
  copyPackage,
  install,
  installHost,
  packPlugin,
  writeRecordings,
} from './check-plugin-package.mjs';
import { libbpfPaths } from '../build-libbpf.mjs';
import { checkListing, checkPublint, checkTypes } from './check-tarball.mjs';
import { Outcome, run } from './outcome.mjs';
import { packWorkspace } from './pack.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'libtrace-packages-'));
const outcome = new Outcome();
// Where the BPF programs of a source find <bpf/bpf_helpers.h>: libbpf-dev, of which not every system has a new one.
process.env['LIBBPF'] ??= libbpfPaths().include;
const forPlugins = ['@libtrace/core', '@libtrace/native', '@libtrace/testkit'];

const made = (name) => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
};

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${outcome.passed} passed, ${outcome.failed} failed`);
process.exitCode = outcome.failed === 0 && outcome.passed > 0 ? 0 : 1;

async function main() {
  let packed = [];
  const isPacked = await outcome.check('packages are packed', async () => {
    packed = await packWorkspace(root, made('tarballs'));
  });
  if (!isPacked) return;
  for (const each of packed) {
    await outcome.check(`${each.name}: files`, () => checkListing(each, root));
    await outcome.check(`${each.name}: publint`, () => checkPublint(each));
    await outcome.check(`${each.name}: types`, () => checkTypes(each));
  }

  const example = made('memcached');
  copyPackage(join(root, 'examples/memcached'), example);
  const toytls = made('toytls');
  copyPackage(join(root, 'examples/uprobe-toytls'), toytls);
  const scaffold = join(folder, 'libtrace-plugin-scaffold');
  await outcome.check('create-libtrace-plugin makes a package', () => {
    const creator = packed.find(({ name }) => name === 'create-libtrace-plugin');
    const command = join(creator.unpacked, 'dist/main.js');
    return run(process.execPath, [command, 'scaffold'], { cwd: folder });
  });
  const plugins = [];
  await Promise.all([
    build('memcached', example),
    build('scaffold', scaffold),
    build('toytls', toytls, ['bpf/toytls.bpf.o']),
  ]);

  const host = made('host');
  const isInstalled = await outcome.check(
    'a project with the command and the plugins installs',
    () => installHost(host, packed, plugins),
  );
  if (!isInstalled) return;
  for (const { name, plugin, from } of plugins) {
    if (plugin === 'toytls') {
      await checkSource(name, plugin, from);
      continue;
    }
    const recordings = await writeRecordings(from, made(`recordings-${plugin}`), host);
    for (const [how, which, some] of [
      ['as a package', name, recordings],
      ['as a folder', from, recordings.slice(0, 1)],
    ]) {
      await outcome.check(`libtrace plugins lists ${plugin}, ${how}`, () =>
        checkListed(host, which, plugin),
      );
      await outcome.check(`libtrace read uses ${plugin}, ${how}`, () =>
        checkRead(host, which, some),
      );
    }
  }
  await outcome.check('records are typed by the plugins (nodenext and bundler)', () =>
    typeTest(host),
  );

  /** What a user does with a source of plaintext, but for tracing. */
  async function checkSource(name, source, from) {
    const binary = join(from, `build/lib${source}.so`);
    for (const [how, which] of [
      ['as a package', name],
      ['as a folder', from],
    ]) {
      await outcome.check(`libtrace plugins lists ${source}, ${how}`, () =>
        checkListed(host, which, source),
      );
      await outcome.check(`libtrace doctor --binary uses ${source}, ${how}`, () =>
        checkInspected(host, which, source, binary),
      );
    }
  }

  /** What the author of a plugin does. `others`: what is published beside its code. */
  async function build(plugin, from, others = []) {
    const isInstalled = await outcome.check(`plugin ${plugin}: installs from tarballs`, () =>
      install(from, packed, forPlugins),
    );
    if (!isInstalled) return;
    await outcome.check(`plugin ${plugin}: compiles, passes its tests, builds`, () =>
      buildAndTest(from),
    );
    await outcome.check(`plugin ${plugin}: packs`, async () => {
      plugins.push({ ...(await packPlugin(from, made(`packed-${plugin}`), others)), plugin, from });
    });
  }
}

async function typeTest(host) {
  cpSync(join(root, 'scripts/packaging/type-test.ts'), join(host, 'type-test.ts'));
  await Promise.all(
    [
      ['NodeNext', 'NodeNext'],
      ['ESNext', 'Bundler'],
    ].map(([module, moduleResolution]) => {
      const compilerOptions = {
        ...{ module, moduleResolution, target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'] },
        ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false },
        ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
      };
      const file = join(host, `tsconfig.${moduleResolution}.json`);
      writeFileSync(file, JSON.stringify({ compilerOptions, files: ['type-test.ts'] }));
      return run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', file]);
    }),
  );
}
