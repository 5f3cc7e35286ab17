// SPDX-License-Identifier: Apache-2.0
import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.config.js';

/** The tests in the code of the documentation, as check-code.mjs puts it together. */
export default mergeConfig(
  { ...base, test: {} },
  defineConfig({ test: { include: ['build/docs/**/*.test.ts'], testTimeout: 60_000 } }),
);
