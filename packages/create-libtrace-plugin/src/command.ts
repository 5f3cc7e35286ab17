// SPDX-License-Identifier: Apache-2.0
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createPlugin } from './create-plugin.js';
import { CreatePluginError } from './create-plugin-error.js';

const help = `usage: npm create libtrace-plugin NAME [-- --folder PATH]
       libtrace create-plugin NAME [--folder PATH]

Makes a package for a new protocol plugin of libtrace, with tests that pass.

  NAME           of the protocol: lower-case letters, digits and dashes
  --folder PATH  where to (default: libtrace-plugin-NAME)
`;

/** Where {@link createCommand} writes. */
export interface CommandOutput {
  /** What was made. */
  readonly out: (text: string) => unknown;
  /** What went wrong, with a code and a remedy. */
  readonly error: (text: string) => unknown;
}

/** The command. Returns its exit status: 0, 1 when the folder cannot be written, 2 for wrong usage. */
export function createCommand(argv: readonly string[], output: CommandOutput): number {
  let folder: string | undefined;
  let names: string[];
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { folder: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      output.out(help);
      return 0;
    }
    folder = values.folder;
    names = positionals;
  } catch (error) {
    output.error(`error ERR_USAGE: ${error instanceof Error ? error.message : ''}\n\n${help}`);
    return 2;
  }
  const [name, more] = names;
  if (name === undefined || more !== undefined) {
    const problem = name === undefined ? 'the name is missing' : `one name only, not ${more} too`;
    output.error(`error ERR_USAGE: ${problem}\n\n${help}`);
    return 2;
  }
  try {
    const created = createPlugin({ name, folder });
    const near = relative('', created.folder) || '.';
    const path = near.startsWith('..') ? created.folder : near;
    output.out(
      `made ${created.packageName} in ${path}: ${created.files.length} files\n\nnext:\n` +
        (path === '.' ? '' : `  cd ${path}\n`) +
        '  npm install\n  npm test\n  npm run build\n  libtrace plugins --plugin .\n',
    );
    return 0;
  } catch (error) {
    if (!(error instanceof CreatePluginError)) throw error;
    output.error(`error ${error.code}: ${error.message}\nremedy: ${error.remedy}\n`);
    return error.code === 'ERR_PLUGIN_NAME' ? 2 : 1;
  }
}
