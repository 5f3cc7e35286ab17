// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin } from '@libtrace/core';
import * as httpPackage from '@libtrace/proto-http';
import * as kafkaPackage from '@libtrace/proto-kafka';
import * as mysqlPackage from '@libtrace/proto-mysql';

type Factory = () => AnyPlugin;

/** A plugin of every protocol package of the workspace, by the factory that has the protocol's name. */
export function installedPlugins(): AnyPlugin[] {
  const packages: readonly (readonly [string, object])[] = [
    ['http', httpPackage],
    ['mysql', mysqlPackage],
    ['kafka', kafkaPackage],
  ];
  return packages.flatMap(([name, exports]) => {
    const factory = (exports as Readonly<Record<string, Factory | undefined>>)[name];
    return factory === undefined ? [] : [factory()];
  });
}
