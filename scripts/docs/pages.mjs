// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The Markdown pages that people read, from the root. @param {string} root folder of the clone */
export function documentationPages(root) {
  const pagesIn = (folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  const readmesBelow = (folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder)).map((name) => join(folder, name, 'README.md'))
      : [];
  return [
    ...pagesIn('.'),
    ...pagesIn('docs'),
    ...[...readmesBelow('packages'), ...readmesBelow('examples')].filter((page) =>
      existsSync(join(root, page)),
    ),
  ];
}
