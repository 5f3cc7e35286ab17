// SPDX-License-Identifier: Apache-2.0
import { CliError } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import type { ByteSink } from './byte-sink.js';

/** Opens the file of --output; undefined for stdout (`-`, or none given). */
export async function openOutput(
  path: string | undefined,
  deps: Dependencies,
): Promise<ByteSink | undefined> {
  if (path === undefined || path === '-') return undefined;
  try {
    return await deps.openFile(path);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    throw new CliError(
      error.code ?? 'ERR_OUTPUT',
      `The output file cannot be written: ${error.message}`,
      { remedy: 'give --output a file in a folder that exists and that you may write to' },
    );
  }
}
