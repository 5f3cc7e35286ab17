// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { exitStatus } from './cli-error.js';
import type { Dependencies } from './dependencies.js';
import { recordSchemaFile } from './package-files.js';

/** `libtrace schema`: prints the JSON Schema of one line of `--format json`. */
export async function schemaCommand(deps: Dependencies): Promise<number> {
  await deps.stdout.write(await readFile(recordSchemaFile, 'utf8'));
  return exitStatus.ok;
}
