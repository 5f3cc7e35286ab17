// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { AttributeDefinition, RegisteredAttribute } from '@libtrace/core';
import { isSource } from './loaded-plugin.js';
import type { LoadedPlugin, LoadedProtocol, LoadedSource } from './loaded-plugin.js';

/** What `libtrace plugins` says of every plugin. */
interface CommonDescription {
  readonly name: string;
  /** Package, or path that it was loaded from. */
  readonly from: string;
  readonly version: string | null;
  readonly builtin: boolean;
  readonly apiVersion: number;
}

/** A protocol: its JSON form. */
export interface ProtocolDescription extends CommonDescription {
  readonly kind: 'protocol';
  readonly transports: readonly string[];
  /** A hint; a port alone never decides. */
  readonly ports: readonly number[];
  /** Rules by which the protocol is recognized. */
  readonly rules: number;
  /** Bytes captured per system call; null: as many as possible. */
  readonly captureBytes: number | null;
  readonly matching: string;
  readonly attributes: readonly {
    readonly name: string;
    readonly type: string;
    readonly description: string;
  }[];
}

/** A source of plaintext: its JSON form. */
export interface SourceDescription extends CommonDescription {
  readonly kind: 'uprobe';
  /** Where its programs are. */
  readonly bpf: string;
}

/** What `libtrace plugins` says of one plugin; its JSON form. */
export type PluginDescription = ProtocolDescription | SourceDescription;

/** Puts together what a plugin says of itself and what core's registry says of its attributes. */
export function describePlugin(
  loaded: LoadedPlugin,
  registry: Readonly<Record<string, RegisteredAttribute>>,
): PluginDescription {
  return isSource(loaded)
    ? describeSource(loaded)
    : describeProtocol(loaded as LoadedProtocol, registry);
}

function describeProtocol(
  loaded: LoadedProtocol,
  registry: Readonly<Record<string, RegisteredAttribute>>,
): ProtocolDescription {
  const { plugin } = loaded;
  const common = describe(loaded);
  const registered = Object.entries(registry).filter(([, { protocols }]) =>
    protocols.includes(common.name),
  );
  const own = Object.entries((plugin.attributes ?? {}) as Record<string, AttributeDefinition>);
  return {
    ...common,
    kind: 'protocol',
    transports: plugin.transports,
    ports: plugin.inference.ports ?? [],
    rules: plugin.inference.rules.length,
    captureBytes: plugin.captureBytes ?? null,
    matching: plugin.matching.mode,
    attributes: [...registered, ...own]
      .map(([attribute, { type, description }]) => ({ name: attribute, type, description }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

function describeSource(loaded: LoadedSource): SourceDescription {
  const { url } = loaded.plugin.bpf;
  const bpf = url.protocol === 'file:' ? fileURLToPath(url) : url.href;
  return { ...describe(loaded), kind: 'uprobe', bpf };
}

function describe({ plugin, from, version, isBuiltin }: LoadedPlugin): CommonDescription {
  return {
    name: String(plugin.name),
    from,
    version: version ?? null,
    builtin: isBuiltin,
    apiVersion: plugin.apiVersion,
  };
}
