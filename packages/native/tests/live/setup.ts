// What the live tests share: the built addon and BPF objects, the right to run at all, children to trace.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { describe } from 'vitest';
import { addonPath, buildNative, buildTestBpf } from '../../../../scripts/build-native.mjs';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

export const isRoot = process.getuid?.() === 0;

/** `describe` that says why it does nothing when the tests do not run as root. */
export function liveDescribe(name: string, body: () => void): void {
  if (isRoot) describe(name, body);
  else describe.skip(`${name} (skipped: loading BPF programs needs root)`, body);
}

if (isRoot) {
  await buildNative();
  await buildTestBpf();
  if (!existsSync('/sys/kernel/tracing/events')) {
    execFileSync('mount', ['-t', 'tracefs', 'nodev', '/sys/kernel/tracing']);
  }
}

/** Path of a compiled test object. */
export function bpf(name: string): string {
  return join(PACKAGE, 'tests/bpf', `${name}.bpf.o`);
}

/** The kernel's number of the calling thread: what `target_tid` of the test programs is set to. */
export function ownThread(): number {
  return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
}

/** A folder for one test file; remove it with `rmSync`. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'libtrace-native-'));
}

const NOBODY = 65534;

let bundle: Promise<string> | undefined;

/** The package as one JavaScript file, for children that know nothing of TypeScript. */
export function bundled(): Promise<string> {
  bundle ??= (async () => {
    const outDir = join(PACKAGE, 'build', `child-${process.pid}`);
    mkdirSync(outDir, { recursive: true });
    process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
    await build({
      entry: [join(PACKAGE, 'src/index.ts')],
      outDir,
      format: ['esm'],
      target: 'node20',
      dts: false,
      silent: true,
      config: false,
      outExtension: () => ({ js: '.mjs' }),
    });
    return join(outDir, 'index.mjs');
  })();
  return bundle;
}

export interface ChildResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for the end of a child and gathers what it wrote. */
export function finished(child: ChildProcess): Promise<ChildResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs an ES module in a Node.js of its own; `native` is the package there, `bpf(name)` the path of a test object. */
export async function runModule(
  body: string,
  options: {
    readonly node?: readonly string[];
    readonly spawn?: SpawnOptions;
    readonly addon?: string;
  } = {},
): Promise<ChildResult> {
  const folder = temporaryFolder();
  try {
    const file = join(folder, 'child.mjs');
    const head = [
      `import * as native from './native.mjs';`,
      `const bpf = (name) => ${JSON.stringify(join(PACKAGE, 'tests/bpf/'))} + name + '.bpf.o';`,
    ];
    copyFileSync(await bundled(), join(folder, 'native.mjs'));
    writeFileSync(file, `${head.join('\n')}\n${body}\n`);
    chmodSync(folder, 0o755);
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      LIBTRACE_NATIVE_ADDON: options.addon ?? addonPath(),
    };
    const child = spawn(process.execPath, [...(options.node ?? []), file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      ...(options.asNobody === true ? { uid: NOBODY, gid: NOBODY, cwd: '/' } : {}),
    });
    return await finished(child);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A number of the type `__u64` in a global variable. */
export function u64(value: Buffer): number {
  return Number(value.readBigUInt64LE());
}
