// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, LibtraceError, PluginApiVersion } from '@libtrace/core';
import { CliError, usageError } from '../cli-error.js';
import type { AnyRecord } from '../format/record-parts.js';
import { attributeOf } from '../format/record-parts.js';
import type { Tracing } from '../dependencies.js';
import { isSource } from './loaded-plugin.js';
import type { LoadedPlugin, LoadedProtocol, LoadedSource } from './loaded-plugin.js';
import { loadPlugin } from './load-plugin.js';
import type { PluginFlags } from './plugin-flags.js';

/** The plugins that a command works with. */
export interface ChosenPlugins {
  /** Protocols. */
  readonly loaded: readonly LoadedProtocol[];
  /** Sources of plaintext above TLS. */
  readonly sources: readonly LoadedSource[];
  /** Why sources that libtrace comes with are not among them. */
  readonly sourceProblems: readonly Error[];
  /** What is traced, in words. */
  readonly protocols: readonly string[];
  /** Port to name of the plugin. */
  readonly decodeAs: ReadonlyMap<number, string>;
  /** Whether a record is of a protocol that was asked for. */
  shows(record: AnyRecord): boolean;
}

const pluginApiVersion: PluginApiVersion = 1;

/** Protocols that a plugin reads among others: what their records have. */
const dialects: Readonly<Record<string, { plugin: string; attribute: string; value: string }>> = {
  grpc: { plugin: 'http', attribute: 'rpc.system', value: 'grpc' },
};

/** Everything that there is, chosen or not. */
export interface AllPlugins {
  /** In the order in which they were loaded: those of --plugin last. */
  readonly all: readonly LoadedPlugin[];
  readonly protocols: readonly LoadedProtocol[];
  readonly sources: readonly LoadedSource[];
  readonly sourceProblems: readonly Error[];
}

/** Which sources of plaintext a command works with. */
export interface SourceChoice {
  /** Libraries to look into whatever their names are; default none. */
  readonly files?: readonly string[] | undefined;
}

/** Loads every plugin, built in or given by --plugin; the sources of plaintext only when they are chosen. */
export async function loadAllPlugins(
  flags: PluginFlags,
  tracing: Tracing,
  choice: SourceChoice | undefined,
): Promise<AllPlugins> {
  const { sources, problems } =
    choice === undefined
      ? { sources: [], problems: [] }
      : await tracing.builtinSources(choice.files ?? []);
  const loaded: LoadedPlugin[] = tracing.builtin.map(({ name, version, create }) => ({
    plugin: create(flags),
    from: name,
    version,
    isBuiltin: true,
  }));
  loaded.push(...sources);
  for (const given of flags.plugin ?? []) {
    loaded.push(checked(await loadPlugin(given, flags), given, loaded, tracing));
  }
  return {
    all: loaded,
    protocols: loaded.filter((each): each is LoadedProtocol => !isSource(each)),
    sources: choice === undefined ? [] : loaded.filter(isSource),
    sourceProblems: problems,
  };
}

/** @throws CliError `ERR_PLUGIN_INVALID`, `ERR_PLUGIN_DUPLICATE` */
function checked(
  loaded: LoadedPlugin,
  given: string,
  others: readonly LoadedPlugin[],
  tracing: Tracing,
): LoadedPlugin {
  const { plugin } = loaded;
  const version: unknown = (plugin as Partial<AnyPlugin> | undefined)?.apiVersion;
  if (typeof version === 'number' && version !== pluginApiVersion) {
    throw new CliError(
      'ERR_PLUGIN_INVALID',
      `The plugin ${given} is written for version ${version} of the plugin API, this libtrace has ${pluginApiVersion}.`,
      { remedy: 'update the older of the two' },
    );
  }
  try {
    tracing.validatePlugins([plugin]);
  } catch (cause) {
    const { message, remedy } = cause as LibtraceError;
    throw new CliError('ERR_PLUGIN_INVALID', `The plugin ${given} is not valid: ${message}`, {
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
  const twin = others.find((other) => other.plugin.name === plugin.name);
  if (twin === undefined) return loaded;
  throw new CliError(
    'ERR_PLUGIN_DUPLICATE',
    `The plugin ${given} has the name ${String(plugin.name)}, as that of ${twin.from}.`,
    { remedy: twin.isBuiltin ? 'rename yours' : 'name one of them only' },
  );
}

/**
 * Loads the plugins of a command and leaves those that --protocol names, which concerns protocols only.
 * @throws CliError `ERR_OPTION_INVALID` when --protocol or --decode-as name one that is not there
 */
export async function choosePlugins(
  flags: PluginFlags,
  tracing: Tracing,
  choice?: SourceChoice,
): Promise<ChosenPlugins> {
  const { protocols, sources, sourceProblems } = await loadAllPlugins(flags, tracing, choice);
  const names = protocols.map(({ plugin }) => String(plugin.name));
  const wanted = flags.protocol ?? names;
  for (const name of wanted) {
    if (!names.includes(name) && dialects[name] === undefined) throw unknown(name, names);
  }
  const needed = new Set(
    wanted.map((name) => (names.includes(name) ? name : dialects[name]!.plugin)),
  );
  const loaded = protocols.filter(({ plugin }) => needed.has(String(plugin.name)));
  const decodeAs = new Map<number, string>();
  for (const [port, name] of flags.decodeAs ?? []) {
    const plugin = needed.has(name) ? name : (dialects[name]?.plugin ?? name);
    if (!needed.has(plugin)) throw unknown(name, [...needed]);
    decodeAs.set(port, plugin);
  }
  return {
    loaded,
    sources,
    sourceProblems,
    protocols: [...new Set(wanted)],
    decodeAs,
    shows: showing(wanted, names),
  };
}

function showing(wanted: readonly string[], names: readonly string[]) {
  const whole = new Set(wanted.filter((name) => names.includes(name)));
  const parts = wanted.filter((name) => !whole.has(name)).map((name) => dialects[name]!);
  return (record: AnyRecord): boolean =>
    whole.has(record.protocol) ||
    parts.some(
      ({ plugin, attribute, value }) =>
        record.protocol === plugin && attributeOf(record, attribute) === value,
    );
}

function unknown(name: string, names: readonly string[]): Error {
  const known = [...names, ...Object.keys(dialects).filter((dialect) => !names.includes(dialect))];
  return usageError(
    `There is no protocol ${JSON.stringify(name)} here.`,
    `the protocols are: ${known.join(', ')}; others come with --plugin`,
  );
}
