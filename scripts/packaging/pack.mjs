// SPDX-License-Identifier: Apache-2.0
// Packs what is published, as npm would.
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from './outcome.mjs';

/**
 * Packs the packages of the workspace.
 * @returns {Promise<{ name: string, tarball: string, files: string[], unpacked: string }[]>}
 */
export function packWorkspace(root, folder) {
  return pack(['--workspaces'], root, folder);
}

/** Packs the package in a folder. */
export async function packFolder(from, folder) {
  const [packed] = await pack([], from, folder);
  return packed;
}

async function pack(args, cwd, folder) {
  // What is packed was built before: scripts would only write into the output.
  const options = ['--json', '--ignore-scripts', '--pack-destination', folder];
  const packed = JSON.parse(await run('npm', ['pack', ...args, ...options], { cwd }));
  return Promise.all(
    packed.map(async ({ name, filename, files }) => {
      // Some versions of npm print the name with its scope's slash.
      const tarball = join(folder, filename.replace(/^@/, '').replace('/', '-'));
      const unpacked = join(folder, `${basename(tarball, '.tgz')}-unpacked`);
      mkdirSync(unpacked);
      await run('tar', ['-xzf', tarball, '-C', unpacked]);
      return {
        name,
        tarball,
        files: files.map(({ path }) => path),
        unpacked: join(unpacked, 'package'),
      };
    }),
  );
}
