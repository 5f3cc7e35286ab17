// SPDX-License-Identifier: Apache-2.0
import type { Colors } from '../format/colors.js';
import { escapeText, padRight, wrapWords } from '../format/terminal-text.js';
import { plural } from '../format/units.js';
import type { PluginDescription } from './describe-plugin.js';

const width = 80;

/** The list for people: a heading and a paragraph for each plugin. */
export function renderPlugins(plugins: readonly PluginDescription[], colors: Colors): string {
  return plugins.map((plugin) => `${renderPlugin(plugin, colors)}\n`).join('\n');
}

function renderPlugin(plugin: PluginDescription, colors: Colors): string {
  const version = plugin.version === null ? '' : ` ${plugin.version}`;
  const from = escapeText(`${plugin.from}${version}`);
  const names =
    plugin.kind === 'protocol' ? plugin.attributes.map(({ name }) => escapeText(name)) : [];
  const lines = [
    `${colors.bold(padRight(escapeText(plugin.name), 10))} ${from}${plugin.builtin ? '' : ' (by --plugin)'}`,
    ...indented(escapeText(facts(plugin))),
    ...(names.length === 0
      ? []
      : indented(`attributes: ${names.join(', ')}`).map((line) => colors.dim(line))),
  ];
  return lines.join('\n');
}

function facts(plugin: PluginDescription): string {
  if (plugin.kind === 'uprobe') return 'source of plaintext: looks into programs above TLS';
  const ports = plugin.ports.length > 0 ? `, often on port ${plugin.ports.join(', ')}` : '';
  return `protocol over ${plugin.transports.join(', ')}${ports}; recognized by ${plural(plugin.rules, 'rule')}`;
}

function indented(text: string): string[] {
  return wrapWords(text, width - 2).map((line) => `  ${line}`);
}
