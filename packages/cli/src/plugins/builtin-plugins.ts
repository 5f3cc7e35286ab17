// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin } from '@libtrace/core';
import { importPackage, versionOfPackage } from './import-package.js';
import type { PluginFlags } from './plugin-flags.js';

/** A plugin with where it comes from. */
export interface LoadedPlugin {
  readonly plugin: AnyPlugin;
  /** Name of its package, or the path that it was loaded from. */
  readonly from: string;
  /** Version of its package; undefined when it has none. */
  readonly version: string | undefined;
  readonly isBuiltin: boolean;
}

/** A plugin package that the command depends on. */
export interface BuiltinPackage {
  readonly name: string;
  readonly version: string | undefined;
  readonly create: (flags: PluginFlags) => AnyPlugin;
}

/** Loads the packages of the protocols that the command knows without being told. */
export async function builtinPackages(): Promise<readonly BuiltinPackage[]> {
  const [http, mysql, kafka] = await Promise.all([
    importPackage('@libtrace/proto-http', () => import('@libtrace/proto-http')),
    importPackage('@libtrace/proto-mysql', () => import('@libtrace/proto-mysql')),
    importPackage('@libtrace/proto-kafka', () => import('@libtrace/proto-kafka')),
  ]);
  const factories: readonly (readonly [string, (flags: PluginFlags) => AnyPlugin])[] = [
    ['@libtrace/proto-http', (flags) => http.http(httpOptions(flags))],
    ...other('@libtrace/proto-mysql', mysql),
    ...other('@libtrace/proto-kafka', kafka),
  ];
  return factories.map(([name, create]) => ({ name, version: versionOfPackage(name), create }));
}

function other(
  name: string,
  module: object,
): (readonly [string, (flags: PluginFlags) => AnyPlugin])[] {
  const factory: unknown = Reflect.get(module, 'default');
  if (typeof factory !== 'function') return [];
  const create = factory as (options: { showValues: boolean }) => AnyPlugin;
  return [[name, (flags) => create({ showValues: flags.showValues === true })]];
}

function httpOptions(flags: PluginFlags) {
  return {
    showValues: flags.showValues === true,
    ...(flags.headers === undefined
      ? {}
      : { requestHeaders: flags.headers, responseHeaders: flags.headers }),
    ...(flags.showSecrets === true ? { redact: false } : {}),
  };
}
