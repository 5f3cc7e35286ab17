import { defineConfig } from 'vitest/config';

const source = '@libtrace/source';
const conditions = [source, 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: [source] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/unit/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
