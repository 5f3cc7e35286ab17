// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, RecordOf } from '@libtrace/core';
import { describeFailure } from '../checks/context.js';
import type { Fixture } from '../fixture/fixture.js';
import { play } from './play.js';
import type { Variation } from './variation.js';

/**
 * The records that a plugin makes of a fixture, in order of completion: through the pipeline that live tracing runs.
 *
 * ```ts
 * const [record] = runFixture(memcached(), conversation([
 *   ['client', 'get a\r\n'],
 *   ['server', 'END\r\n'],
 * ]));
 * ```
 * @param plugin one, or several of which inference chooses
 * @param variation how the bytes arrive; reports of {@link checkPlugin} name one for what they found
 * @throws Error when the plugin threw, or did what its contract forbids.
 */
export function runFixture<const P extends AnyProtocol>(
  plugin: P | readonly P[],
  fixture: Fixture,
  variation: Variation = {},
): RecordOf<P>[] {
  const plugins = Array.isArray(plugin) ? (plugin as readonly P[]) : [plugin as P];
  const { records, failures } = play(plugins, fixture, variation);
  const [failure] = failures;
  if (failure !== undefined) throw new Error(describeFailure(failure), { cause: failure });
  return records as unknown as RecordOf<P>[];
}
