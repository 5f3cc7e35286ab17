// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, CommonPluginOptions } from '@libtrace/core';
import type { HttpOptions } from '@libtrace/proto-http';
import { importPackage, versionOfPackage } from './import-package.js';
import type { PluginFlags } from './plugin-flags.js';

/** A plugin package that the command depends on. */
export interface BuiltinPackage {
  /** As npm knows it. */
  readonly name: string;
  /** Undefined when it could not be learned. */
  readonly version: string | undefined;
  /** Makes the plugin as the command line wants it. */
  readonly create: (flags: PluginFlags) => AnyProtocol;
}

/** Loads the packages of the protocols that the command knows without being told. */
export async function builtinPackages(): Promise<readonly BuiltinPackage[]> {
  const [http, mysql, kafka] = await Promise.all([
    importPackage('@libtrace/proto-http', () => import('@libtrace/proto-http')),
    importPackage('@libtrace/proto-mysql', () => import('@libtrace/proto-mysql')),
    importPackage('@libtrace/proto-kafka', () => import('@libtrace/proto-kafka')),
  ]);
  const factories: readonly (readonly [string, (flags: PluginFlags) => AnyProtocol])[] = [
    ['@libtrace/proto-http', (flags) => http.http(httpOptions(flags))],
    ['@libtrace/proto-mysql', (flags) => mysql.mysql(commonOptions(flags))],
    ['@libtrace/proto-kafka', (flags) => kafka.kafka(commonOptions(flags))],
  ];
  return factories.map(([name, create]) => ({ name, version: versionOfPackage(name), create }));
}

function commonOptions(flags: PluginFlags): CommonPluginOptions {
  return { showValues: flags.showValues === true };
}

function httpOptions(flags: PluginFlags): HttpOptions {
  return {
    ...commonOptions(flags),
    ...(flags.headers === undefined
      ? {}
      : { requestHeaders: flags.headers, responseHeaders: flags.headers }),
    // Credentials are no values that a question is about: --show-values alone does not show them.
    redact: flags.showSecrets !== true,
  };
}
