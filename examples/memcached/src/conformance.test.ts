// SPDX-License-Identifier: Apache-2.0
import { conformanceTests, readFixtures } from '@libtrace/testkit';
import { describe, it } from 'vitest';
import memcached from './index.js';

conformanceTests({ describe, it }, memcached, {
  fixtures: readFixtures(new URL('../fixtures/', import.meta.url)),
  // Behind a hole a line may be the end of a longer one, or one of many: nothing marks where a response begins.
  recoverTurns: 2,
});
