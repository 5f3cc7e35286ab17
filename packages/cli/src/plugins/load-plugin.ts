// SPDX-License-Identifier: Apache-2.0
import { pathToFileURL } from 'node:url';
import type { AnyPlugin } from '@libtrace/core';
import { CliError } from '../cli-error.js';
import { escapeText } from '../format/terminal-text.js';
import { findPlugin } from './find-plugin.js';
import { packageOfFile } from './import-package.js';
import type { LoadedPlugin } from './loaded-plugin.js';
import type { PluginFlags } from './plugin-flags.js';

type Factory = (options: { readonly showValues: boolean }) => unknown;
type Exported =
  | { readonly kind: 'factory'; readonly factory: Factory }
  | { readonly kind: 'plugin'; readonly plugin: object };

/**
 * Loads a third party's plugin: the default export of its module, which is a factory or a plugin, or else its only export
 * that can be one. It is not validated here.
 * @throws CliError `ERR_PLUGIN_NOT_FOUND`, `ERR_PLUGIN_LOAD`, `ERR_PLUGIN_EXPORT`
 */
export async function loadPlugin(given: string, flags: PluginFlags): Promise<LoadedPlugin> {
  const file = findPlugin(given);
  const exported = pickExport(await importFile(file, given), given);
  const { name, version } = packageOfFile(file);
  return {
    plugin: (exported.kind === 'plugin'
      ? exported.plugin
      : make(exported.factory, flags, given)) as AnyPlugin,
    from: name ?? given,
    version,
    isBuiltin: false,
  };
}

async function importFile(file: string, given: string): Promise<object> {
  try {
    return (await import(pathToFileURL(file).href)) as object;
  } catch (cause) {
    throw new CliError('ERR_PLUGIN_LOAD', `The plugin ${given} cannot be loaded.`, {
      cause,
      remedy: importRemedy(cause),
    });
  }
}

function importRemedy(cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  const message = cause instanceof Error ? cause.message : '';
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return message.includes('@libtrace/core')
      ? 'install the package that it is written for, in its folder: npm install @libtrace/core'
      : 'install what it depends on (npm install in its folder), and build it';
  }
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return 'compile it, and name the JavaScript file';
  return 'LIBTRACE_DEBUG=1 shows where it failed';
}

function make(factory: Factory, flags: PluginFlags, given: string): unknown {
  try {
    return factory({ showValues: flags.showValues === true });
  } catch (cause) {
    throw new CliError('ERR_PLUGIN_LOAD', `The factory of the plugin ${given} failed.`, {
      cause,
      remedy: 'LIBTRACE_DEBUG=1 shows where it failed',
    });
  }
}

function pickExport(module: object, given: string): Exported {
  const byDefault = asExported(unwrap(Reflect.get(module, 'default')));
  if (byDefault !== undefined) return byDefault;
  const names = Object.keys(module).filter((name) => name !== 'default' && name !== '__esModule');
  const usable = names
    .map((name) => asExported(Reflect.get(module, name)))
    .filter((exported) => exported !== undefined);
  const plugins = usable.filter(({ kind }) => kind === 'plugin');
  const [only] = plugins.length === 1 ? plugins : usable;
  if (only !== undefined && (usable.length === 1 || plugins.length === 1)) return only;
  const shown = names.slice(0, 8).map(escapeText).join(', ');
  throw new CliError('ERR_PLUGIN_EXPORT', `The module of ${given} exports no plugin.`, {
    cause: new Error(names.length === 0 ? 'it exports nothing' : `its exports are: ${shown}`),
    remedy: 'make the factory of the plugin its default export',
  });
}

/** CommonJS that was compiled from ES modules has its default export one level down. */
function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Reflect.get(value, '__esModule') === true ? Reflect.get(value, 'default') : value;
}

function asExported(value: unknown): Exported | undefined {
  if (typeof value === 'function') return { kind: 'factory', factory: value as Factory };
  if (typeof value !== 'object' || value === null) return undefined;
  const isPlugin = 'kind' in value || ('createParser' in value && 'name' in value);
  return isPlugin ? { kind: 'plugin', plugin: value } : undefined;
}
