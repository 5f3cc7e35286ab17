// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import { validatePlugin } from './validate-plugin.js';
import { validateUprobe } from './validate-uprobe.js';

/**
 * Checks plugins that are to work together.
 * @throws LibtraceError `ERR_PLUGIN_INVALID`, `ERR_PLUGIN_DUPLICATE`
 */
export function validatePlugins(plugins: readonly unknown[]): void {
  const names = new Set<string>();
  for (const plugin of plugins) {
    if (isUprobe(plugin)) validateUprobe(plugin);
    else validatePlugin(plugin);
    const { name } = plugin as { readonly name: string };
    if (names.has(name)) {
      throw new LibtraceError('ERR_PLUGIN_DUPLICATE', `two plugins are named ${name}`, {
        phase: 'validate',
        plugin: name,
        remedy: 'install one of them, or rename yours',
      });
    }
    names.add(name);
  }
}

function isUprobe(plugin: unknown): plugin is object {
  return (
    typeof plugin === 'object' &&
    plugin !== null &&
    (plugin as { readonly kind?: unknown }).kind === 'uprobe'
  );
}
