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
    // A probe in an installed file would interrupt programs that are not ours: scenarios name their own directories.
    env: { LIBTRACE_PROBE_ONLY: process.env['LIBTRACE_PROBE_ONLY'] ?? '/var/empty' },
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 30_000 * timeScale,
    hookTimeout: 30_000 * timeScale,
    teardownTimeout: 10_000 * timeScale,
    reporters: ['verbose'],
  },
});
