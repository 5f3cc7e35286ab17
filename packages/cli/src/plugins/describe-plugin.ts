// SPDX-License-Identifier: Apache-2.0
import type { AttributeDefinition, RegisteredAttribute } from '@libtrace/core';
import type { LoadedPlugin } from './builtin-plugins.js';

/** What `libtrace plugins` says of one plugin; its JSON form. */
export interface PluginDescription {
  readonly name: string;
  /** Package, or path that it was loaded from. */
  readonly from: string;
  readonly version: string | null;
  readonly builtin: boolean;
  readonly apiVersion: number;
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

/** Puts together what a plugin says of itself and what core's registry says of its attributes. */
export function describePlugin(
  { plugin, from, version, isBuiltin }: LoadedPlugin,
  registry: Readonly<Record<string, RegisteredAttribute>>,
): PluginDescription {
  const name = String(plugin.name);
  const registered = Object.entries(registry).filter(([, { protocols }]) =>
    protocols.includes(name),
  );
  const own = Object.entries((plugin.attributes ?? {}) as Record<string, AttributeDefinition>);
  return {
    name,
    from,
    version: version ?? null,
    builtin: isBuiltin,
    apiVersion: plugin.apiVersion,
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
