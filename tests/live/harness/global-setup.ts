// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
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

const sources = fileURLToPath(new URL('../programs/peer/', import.meta.url));
const builds = fileURLToPath(new URL('../build/', import.meta.url));

/** Compiles programs/peer unless that was done for the same sources: emulated machines are slow. */
function compilePeer(): string {
  const names = readdirSync(sources).sort();
  const hash = createHash('sha256').update(process.arch);
  for (const name of names) hash.update(name).update(readFileSync(join(sources, name)));
  const directory = join(builds, hash.digest('hex').slice(0, 16));
  const peer = join(directory, 'peer');
  if (existsSync(peer)) return peer;
  rmSync(builds, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const files = names.filter((name) => name.endsWith('.c')).map((name) => join(sources, name));
  const unfinished = `${peer}.${process.pid}`;
  execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-o', unfinished, ...files], {
    stdio: 'inherit',
  });
  renameSync(unfinished, peer);
  return peer;
}

/** Prepares what all files use; afterwards says what was skipped. */
export default function setUp(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'libtrace-live-'));
  // Servers that drop their rights must be able to read below it.
  chmodSync(directory, 0o755);
  project.provide('directory', directory);
  project.provide('peer', compilePeer());
  process.env['LIBTRACE_SKIPPED'] = join(directory, 'skipped');
  return () => {
    const reasons = skippedReasons();
    if (reasons.length > 0) console.log(`Skipped:\n${reasons.map((r) => `  - ${r}`).join('\n')}`);
    rmSync(directory, { recursive: true, force: true });
  };
}
