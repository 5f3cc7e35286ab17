// SPDX-License-Identifier: Apache-2.0
// `npm test`: set-up, then the lanes: check (types, lint, format, generated files), unit, captures (pcap files with what
// is in them, where the folder is present), packages (packed, published shape, a plugin from outside), fuzz, live (this
// kernel, root), kernels (the live suite on real kernels in QEMU). `npm test -- unit live` runs only those named.
// Closes with one line: `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMain, SetupError } from './setup-error.mjs';
import { root, setup } from './setup.mjs';

const KERNELS = ['5.10', '6.1', '6.12', '7.2'];
const LANES = ['check', 'unit', 'captures', 'packages', 'fuzz', 'live', 'kernels'];
/** Captures with expected values: LIBTRACE_CAPTURES, or a folder that may lie beside the project. */
const captures = process.env.LIBTRACE_CAPTURES ?? join(root, '../shared/captures');
const ci = process.env.CI === 'true';
const results = mkdtempSync(join(tmpdir(), 'libtrace-test-'));
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = new Map();

function add(lane, { passed, failed, skipped }) {
  console.log(`\n── ${lane}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** Counts of a vitest JSON report; a run that left none counts as one failure. */
function readReport(file, status) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  for (const { assertionResults, name } of report.testResults) {
    for (const { status: outcome, fullName, meta } of assertionResults) {
      if (outcome === 'passed' || outcome === 'failed') continue;
      skips.set(`${fullName}`, meta?.reason ?? name.split('/').pop());
    }
  }
  const passed = report.numPassedTests;
  let failed =
    report.numFailedTests +
    report.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0)
      .length;
  // A crash outside of any test still is a failure; so is a lane that ran nothing.
  if (failed === 0 && (status !== 0 || passed === 0)) failed = 1;
  return { passed, failed, skipped: report.numPendingTests + report.numTodoTests };
}

function runVitest(lane, args, env = {}) {
  const file = join(results, `${lane}.json`);
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } },
  );
  add(lane, readReport(file, status));
}

function check() {
  const steps = [
    ['types', 'npx', ['tsc', '-b']],
    ['types of the tests', 'npx', ['tsc', '-p', 'tests/tsconfig.json']],
    ['eslint', 'npx', ['eslint', '.', '--max-warnings=0']],
    ['prettier', 'npx', ['prettier', '--check', '--log-level=warn', '.']],
    ['documented exports', 'npx', ['typedoc', '--emit', 'none']],
    ['record schema', process.execPath, ['scripts/docs/schema.mjs', '--check']],
    ['records page', process.execPath, ['scripts/docs/records-page.mjs', '--check']],
    ['code in the docs', process.execPath, ['scripts/docs/check-code.mjs']],
    ['generated contract', process.execPath, ['scripts/gen-contract.mjs', '--check']],
    [
      'clang-format',
      'sh',
      [
        '-c',
        'clang-format --dry-run --Werror bpf/*.[ch] packages/*/src/bpf/*.[ch] packages/native/src/cpp/*.h packages/native/src/cpp/*.cc',
      ],
    ],
  ];
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, command, args] of steps) {
    const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
    console.log(`${status === 0 ? '✓' : '✗'} ${name}`);
    if (status === 0) count.passed++;
    else count.failed++;
  }
  add('check', count);
}

/** A script that closes with `N passed, N failed`. */
function runScript(lane, script, args = []) {
  const { status, stdout } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  process.stdout.write(stdout);
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(stdout);
  const passed = Number(counts?.[1] ?? 0);
  let failed = Number(counts?.[2] ?? 0);
  if (failed === 0 && (status !== 0 || passed === 0)) failed = 1;
  add(lane, { passed, failed, skipped: 0 });
}

function conformance() {
  if (existsSync(captures)) {
    runScript('captures', 'scripts/conformance.mjs', [captures]);
    return;
  }
  console.log('\ncaptures lane skipped: no folder of captures here (LIBTRACE_CAPTURES names one).');
  add('captures', { passed: 0, failed: 0, skipped: 1 });
}

function live() {
  if (process.getuid?.() !== 0) {
    console.log(
      '\nlive lane skipped: loading BPF programs needs root. Run `sudo npm test` for it.',
    );
    add('live', { passed: 0, failed: ci ? 1 : 0, skipped: 1 });
    return;
  }
  runVitest('native', ['--config', 'packages/native/tests/live/vitest.config.ts']);
  runVitest(
    'live',
    ['--config', 'tests/live/vitest.config.ts'],
    ci ? { LIBTRACE_REQUIRE: 'all' } : {},
  );
}

function programTable(version, file) {
  if (!existsSync(file)) return;
  const { release, programs, loadMs, mapBytes } = JSON.parse(readFileSync(file, 'utf8'));
  console.log(
    `\nkernel ${release} (${version}): loaded in ${Math.round(loadMs)} ms, maps ${(mapBytes / 1e6).toFixed(1)} MB`,
  );
  console.table(
    programs.map(({ name, instructions, processed, loadMs: ms }) => ({
      program: name,
      instructions,
      processed,
      'load ms': Number(ms.toFixed(1)),
    })),
  );
}

async function kernels() {
  if (
    spawnSync('qemu-system-x86_64', ['--version']).error !== undefined ||
    process.getuid?.() !== 0
  ) {
    console.log(
      '\nkernels lane skipped: it needs qemu-system-x86_64 and, to read the whole machine, root.',
    );
    add('kernels', { passed: 0, failed: ci ? 1 : 0, skipped: 1 });
    return;
  }
  const { runInKernel } = await import('./kernels/run-in-kernel.mjs');
  const { fetchKernel } = await import('./kernels/fetch-kernel.mjs');
  const waiting = process.env.LIBTRACE_KERNELS?.split(',') ?? [...KERNELS];
  for (const version of waiting) fetchKernel(version);
  // A guest has one processor: two of them share the work of two.
  await Promise.all([runNext(), runNext()]);

  async function runNext() {
    for (let version = waiting.shift(); version !== undefined; version = waiting.shift()) {
      await runOne(version);
    }
  }

  async function runOne(version) {
    const outputDir = join(results, `kernel-${version}`);
    mkdirSync(outputDir);
    console.log(`\n── kernel ${version}: the live suite in a virtual machine`);
    let output = '';
    let exitCode = 1;
    const startMs = Date.now();
    try {
      ({ exitCode } = await runInKernel(version, {
        command: [
          ...['sh', '-c'],
          `exec node ${vitest} run --config tests/live/vitest.config.ts --reporter=verbose --reporter=json --outputFile.json="$LIBTRACE_OUTPUT_DIR/report.json"`,
        ],
        cwd: root,
        env: {
          CI: ci ? 'true' : '',
          LIBTRACE_REQUIRE: ci ? 'all' : '',
          LIBTRACE_TIME_SCALE: '15',
          // Nothing else runs there: installed programs may be probed.
          LIBTRACE_OWN_MACHINE: '1',
          NO_COLOR: '1',
        },
        timeoutMs: 35 * 60_000,
        outputDir,
        onOutput: (chunk) => (output += chunk),
      }));
    } catch (error) {
      output += `\n${String(error.message ?? error)}\n`;
    }
    console.log(`\n── kernel ${version}\n${output}`);
    const seconds = Math.round((Date.now() - startMs) / 1000);
    add(`kernel ${version} (${seconds} s)`, readReport(join(outputDir, 'report.json'), exitCode));
    programTable(version, join(outputDir, 'programs.json'));
  }
}

await runMain(async () => {
  const named = process.argv.slice(2);
  const unknown = named.find((lane) => !LANES.includes(lane));
  if (unknown !== undefined)
    throw new SetupError(`there is no lane ${unknown}`, `the lanes are: ${LANES.join(' ')}`);
  const lanes = named.length > 0 ? named : LANES;
  const onlyUnit = lanes.every((lane) => lane === 'unit');
  if (!onlyUnit || !existsSync(vitest)) await setup({ tests: !onlyUnit });
  for (const lane of lanes) {
    if (lane === 'check') check();
    else if (lane === 'unit') runVitest('unit', []);
    else if (lane === 'captures') conformance();
    else if (lane === 'packages') runScript('packages', 'scripts/packaging/check.mjs');
    else if (lane === 'fuzz') {
      runScript('fuzz', 'scripts/fuzz.mjs', ['--inputs', '1000000', '--suite', 'quick']);
      runScript('fuzz elf', 'scripts/fuzz-elf.mjs', ['--inputs', '1000000']);
      runScript('fuzz go', 'scripts/fuzz-go.mjs', ['--inputs', '1000000']);
    } else if (lane === 'live') live();
    else await kernels();
  }
  rmSync(results, { recursive: true, force: true });
  for (const [test, reason] of skips) console.log(`skipped: ${test} (${reason})`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
});
