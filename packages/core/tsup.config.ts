import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'plugin/index': 'src/plugin/index.ts' },
  format: ['esm'],
  target: 'node20',
  clean: true,
  sourcemap: true,
  // An optional dependency, which tsup would bundle.
  external: ['@libtrace/native'],
  dts: { compilerOptions: { composite: false } },
});
