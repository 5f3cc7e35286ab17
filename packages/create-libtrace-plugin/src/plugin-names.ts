// SPDX-License-Identifier: Apache-2.0
import { CreatePluginError } from './create-plugin-error.js';

/** The forms of a plugin's name. */
export interface PluginNames {
  /** Of the protocol: `my-proto`. */
  readonly plugin: string;
  /** Of the npm package: `libtrace-plugin-my-proto`, with a scope when one was given. */
  readonly package: string;
  /** Of the factory function: `myProto`. */
  readonly factory: string;
  /** What types begin with: `MyProto`. */
  readonly type: string;
  /** What attributes begin with, behind `libtrace.`: `my_proto`. */
  readonly attribute: string;
}

const prefix = 'libtrace-plugin-';
const maxLength = 50;
/** Protocols that come with libtrace: two plugins of one name cannot be installed together. */
const own = ['http', 'mysql', 'kafka'];
/** Words that no function can be called, and names that the files of a plugin use already. */
const taken = new Set(
  (
    'arguments as async await break case catch class const continue debugger default delete do else enum eval export ' +
    'extends false finally for from function get if implements import in instanceof interface let new null of package ' +
    'private protected public return set static super switch this throw true try type typeof undefined var void while ' +
    'with yield attributes inference string number boolean object'
  ).split(' '),
);

/**
 * The forms of a name as a user types it: `tally`, `libtrace-plugin-tally`, `@scope/libtrace-plugin-tally`.
 * @throws CreatePluginError `ERR_PLUGIN_NAME`
 */
export function pluginNames(given: string): PluginNames {
  const [, scope = '', rest = ''] = /^(@[a-z0-9~][a-z0-9._~-]*\/)?(.*)$/s.exec(given) ?? [];
  const plugin = rest.startsWith(prefix) ? rest.slice(prefix.length) : rest;
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(plugin) || plugin.length > maxLength) {
    throw new CreatePluginError(
      'ERR_PLUGIN_NAME',
      `${JSON.stringify(given)} is no name of a plugin.`,
      `use at most ${maxLength} lower-case letters, digits and single dashes, a letter first: my-proto`,
    );
  }
  if (own.includes(plugin)) {
    throw new CreatePluginError(
      'ERR_PLUGIN_NAME',
      `libtrace comes with a plugin named ${plugin}.`,
      'choose another name: two plugins of one name cannot be installed together',
    );
  }
  const words = plugin.split('-').map((word) => `${word[0]!.toUpperCase()}${word.slice(1)}`);
  const type = words.join('');
  const camel = `${type[0]!.toLowerCase()}${type.slice(1)}`;
  return {
    plugin,
    package: `${scope}${prefix}${plugin}`,
    factory: taken.has(camel) ? `${camel}Protocol` : camel,
    type,
    attribute: plugin.replaceAll('-', '_'),
  };
}
