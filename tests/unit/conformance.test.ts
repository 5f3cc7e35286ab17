// SPDX-License-Identifier: Apache-2.0
import { conformanceTests } from '@libtrace/testkit';
import { describe, expect, it } from 'vitest';
import { pluginsWithFixtures } from '../../scripts/plugins-with-fixtures.mjs';

const plugins = await pluginsWithFixtures();

describe.each(plugins)('$package', ({ name, factory, fixtures, rules }) => {
  it('has fixtures', () => {
    expect(fixtures).not.toHaveLength(0);
  });

  const others = plugins.filter((each) => each.name !== name).map((each) => each.factory());
  conformanceTests({ describe, it }, factory, { fixtures, others, ...rules });
});
