// SPDX-License-Identifier: Apache-2.0
import { conformanceTests, readFixtures } from '@libtrace/testkit';
import { describe, it } from 'vitest';
import { __FACTORY__ } from './index.js';

// Plays the conversations in fixtures/ cut at every byte, with holes, from both ends, begun late, and as garbage.
conformanceTests({ describe, it }, () => __FACTORY__({ showValues: true }), {
  fixtures: readFixtures(new URL('../fixtures/', import.meta.url)),
});
