// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandErrorCodes } from '@libtrace/cli';
import { errorCodes } from '@libtrace/core';
import { ERROR_CODES } from '@libtrace/native';
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../../scripts/errors-page.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/compatibility.md',
  'docs/errors.md',
  'packages/cli/README.md',
  'packages/core/README.md',
  'packages/native/README.md',
  'packages/proto-http/README.md',
];

describe('documentation', () => {
  it('lists every error code as the tables do', () => {
    expect(read('docs/errors.md')).toBe(errorsPage(errorCodes, ERROR_CODES, commandErrorCodes));
  });

  it.each(pages)('%s links only to files that exist', (page) => {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)/g)) {
      expect(existsSync(join(root, dirname(page), target!)), `${page} → ${target}`).toBe(true);
    }
  });

  it.each(pages)('%s names only npm scripts that exist', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [, script] of read(page).matchAll(/npm run ([a-z:]+)/g)) {
      expect(Object.keys(scripts), `${page}: npm run ${script}`).toContain(script);
    }
  });
});
