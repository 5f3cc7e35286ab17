// SPDX-License-Identifier: Apache-2.0
// What a protocol says above TLS is what it says without: every fixture again, as plaintext of a TLS connection.
import { runFixture } from '@libtrace/testkit';
import { describe, expect, it } from 'vitest';
import { pluginsWithFixtures } from '../../scripts/plugins-with-fixtures.mjs';

const packages = await pluginsWithFixtures();
const plugins = packages.map(({ factory }) => factory());

describe.each(packages)('$package', ({ fixtures }) => {
  it.each(fixtures.filter(({ transport }) => transport === 'tcp').map((each) => [each.name, each]))(
    'gives the same records above TLS: %s',
    (_, fixture) => {
      const clear = runFixture(plugins, fixture);
      const above = runFixture(plugins, { ...fixture, transport: 'tls' });
      const said = (records: typeof clear): unknown[] =>
        records.map(({ protocol, operation, status, missing, attributes }) => ({
          ...{ protocol, operation, status, missing },
          // Of HTTP/1.1 it is what the transport says.
          attributes: { ...attributes, 'url.scheme': undefined },
        }));
      expect(said(above)).toEqual(said(clear));
      expect(above.every(({ connection }) => connection.tls !== undefined)).toBe(true);
    },
  );
});
