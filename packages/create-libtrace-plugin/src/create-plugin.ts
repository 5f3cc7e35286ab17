// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreatePluginError } from './create-plugin-error.js';
import { packageJson } from './package-json.js';
import { pluginNames, type PluginNames } from './plugin-names.js';

/** What {@link createPlugin} is told. */
export interface CreatePluginOptions {
  /** Of the protocol or of the package: `tally`, `libtrace-plugin-tally`, `@scope/libtrace-plugin-tally`. */
  readonly name: string;
  /** Where to; made when it is not there. Default: the package's name without its scope, in the working directory. */
  readonly folder?: string | undefined;
}

/** What {@link createPlugin} made. */
export interface CreatedPlugin {
  /** Absolute path of the package. */
  readonly folder: string;
  /** Of the npm package. */
  readonly packageName: string;
  /** Of the protocol: what `--protocol` takes, and what records say. */
  readonly pluginName: string;
  /** What was written, relative to `folder`. */
  readonly files: readonly string[];
}

const template = fileURLToPath(new URL('../template/', import.meta.url));
/** npm leaves files of these names out of a package, or reads them itself: in the template they have others. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' };

/**
 * Makes the package of a new protocol plugin, outside of any workspace: it builds, passes the conformance suite, and is
 * loaded by `libtrace trace --plugin`. Nothing is installed.
 *
 * ```ts
 * const { folder } = createPlugin({ name: 'tally' });
 * ```
 * @throws CreatePluginError `ERR_PLUGIN_NAME`, `ERR_FOLDER_NOT_EMPTY`, `ERR_FOLDER_WRITE`
 */
export function createPlugin(options: CreatePluginOptions): CreatedPlugin {
  const names = pluginNames(options.name);
  const folder = resolve(options.folder ?? names.package.replace(/^@.*\//, ''));
  const files = new Map<string, string>([['package.json', packageJson(names)]]);
  for (const file of templateFiles()) {
    const parts = file.split('/');
    const last = parts.pop()!;
    const target = [...parts, renamed[last] ?? last].join('/');
    files.set(target, fill(readFileSync(join(template, file), 'utf8'), names));
  }
  try {
    refuseToOverwrite(folder);
    for (const [file, text] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text, { flag: 'wx' });
    }
  } catch (cause) {
    if (cause instanceof CreatePluginError) throw cause;
    throw new CreatePluginError(
      'ERR_FOLDER_WRITE',
      `${folder} could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      'check the rights of the folder and the room on its disk, or choose another one with --folder',
      cause,
    );
  }
  return {
    folder,
    packageName: names.package,
    pluginName: names.plugin,
    files: [...files.keys()].sort(),
  };
}

function refuseToOverwrite(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && readdirSync(folder).length === 0)) return;
  throw new CreatePluginError(
    'ERR_FOLDER_NOT_EMPTY',
    found.isDirectory() ? `${folder} is not empty.` : `${folder} is not a folder.`,
    'move it away, or choose another folder with --folder',
  );
}

/** Paths in the template, with `/`. */
function templateFiles(): string[] {
  return readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length).replaceAll('\\', '/'))
    .sort();
}

/** Puts the names in; the licence line is libtrace's, of the template, not of what is made of it. */
function fill(text: string, names: PluginNames): string {
  return text
    .replace(/^\/\/ SPDX-License-Identifier: .*\n/, '')
    .replaceAll('__PACKAGE__', names.package)
    .replaceAll('__PLUGIN__', names.plugin)
    .replaceAll('__FACTORY__', names.factory)
    .replaceAll('__TYPE__', names.type)
    .replaceAll('__ATTRIBUTE__', names.attribute);
}
