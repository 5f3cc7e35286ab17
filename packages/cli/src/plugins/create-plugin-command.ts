// SPDX-License-Identifier: Apache-2.0
import { createCommand } from 'create-libtrace-plugin';

/** Options of `libtrace create-plugin`. */
export interface CreatePluginFlags {
  readonly folder?: string;
}

/** `libtrace create-plugin`: what `npm create libtrace-plugin` does. */
export function createPluginCommand(
  name: string,
  { folder }: CreatePluginFlags,
  writeOut: (text: string) => void,
  writeError: (text: string) => void,
): number {
  const options = folder === undefined ? [] : [`--folder=${folder}`];
  return createCommand([...options, '--', name], { out: writeOut, error: writeError });
}
