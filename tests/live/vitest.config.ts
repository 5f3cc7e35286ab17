// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { timeScale } from './harness/time-scale.js';

// No condition `@libtrace/source`: what is shipped (dist) is what is tested.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: ['**/*.live.test.ts'],
    globalSetup: ['./harness/global-setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 30_000 * timeScale,
    hookTimeout: 30_000 * timeScale,
    teardownTimeout: 10_000 * timeScale,
    reporters: ['verbose'],
  },
});
