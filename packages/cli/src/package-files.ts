// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// src/ and dist/ are both one level below the package, so that these hold for the source and for the build.
const packageRoot = new URL('../', import.meta.url);

/** JSON Schema of one line of `--format json`. */
export const recordSchemaFile = fileURLToPath(new URL('schema/record.schema.json', packageRoot));

/** The two programs of `libtrace demo`. */
export const demoServerFile = fileURLToPath(new URL('demo/shop-server.mjs', packageRoot));
export const demoClientFile = fileURLToPath(new URL('demo/shop-client.mjs', packageRoot));

/** Version in the package's package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
