// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { skippedReasons } from './requirements.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Directory of this run; removed at its end. */
    readonly directory: string;
    /** The compiled programs/peer. */
    readonly peer: string;
  }
}

/** Compiles the programs once for all files; afterwards says what was skipped. */
export default function setUp(project: TestProject): () => void {
  // Servers that drop their rights must be able to read below it.
  const directory = mkdtempSync(join(tmpdir(), 'libtrace-live-'));
  execFileSync('chmod', ['755', directory]);
  const sources = fileURLToPath(new URL('../programs/peer/', import.meta.url));
  const peer = join(directory, 'peer');
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  execFileSync('gcc', ['-O1', '-o', peer, ...files.map((name) => join(sources, name))], {
    stdio: 'inherit',
  });
  project.provide('directory', directory);
  project.provide('peer', peer);
  process.env['LIBTRACE_SKIPPED'] = join(directory, 'skipped');
  return () => {
    const reasons = skippedReasons();
    if (reasons.length > 0) console.log(`Skipped:\n${reasons.map((r) => `  - ${r}`).join('\n')}`);
    rmSync(directory, { recursive: true, force: true });
  };
}
