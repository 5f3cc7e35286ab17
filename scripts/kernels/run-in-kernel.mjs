// SPDX-License-Identifier: Apache-2.0
// Runs one command in a virtual machine that has a chosen kernel and this machine's own files: read-only, below a layer
// in memory that takes what the guest writes. From a shell:
//   node scripts/kernels/run-in-kernel.mjs [--timeout <seconds>] [--output <directory>] 6.1 -- uname -a
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fetchKernel, KERNEL_SUITES } from './fetch-kernel.mjs';
import { buildInitramfs } from './initramfs.mjs';
import { guestFailure, ROOT_OPTIONS, runQemu } from './qemu.mjs';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const OUTPUT_IN_GUEST = '/run/libtrace/output';
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Empty in a guest, but for the repository and the working directory where these are below one of them. */
const EMPTY_IN_GUEST = /^\/(tmp|run)\//;

/**
 * @typedef {object} GuestCommand
 * @property {readonly string[]} command program and arguments; it runs as root, with no input and no network but `lo`
 * @property {string} [cwd] default: the current directory
 * @property {Readonly<Record<string, string>>} [env] added to PATH, HOME, LANG, LIBTRACE_KERNEL, and CI and
 *   LIBTRACE_OUTPUT_DIR where they are set; nothing else of this process's environment is passed on
 * @property {number} [timeoutMs] for the whole run, boot included; default: 10 minutes
 * @property {(text: string) => void} [onOutput] gets what the command writes, both streams, as it comes
 * @property {string} [outputDir] a directory of the host, made if needed, that the command finds as LIBTRACE_OUTPUT_DIR
 *   and may write to
 * @property {number} [cpus] default: 1, the fastest by far; more of them take turns on one processor of the host
 * @property {readonly string[]} [kernelArguments] added to the kernel's command line
 */

/**
 * @param {string} version `5.10`, `6.1`, `6.12` or `7.2`
 * @param {GuestCommand} options
 * @returns {Promise<{ exitCode: number, output: string, seconds: number, bootSeconds: number }>} with any exit status of
 *   the command (128 + n for signal n); rejects when the guest itself failed: no kernel, no qemu, panic, timeout
 */
export async function runInKernel(version, options) {
  const {
    command,
    env = {},
    timeoutMs = 600_000,
    onOutput = () => {},
    cpus = 1,
    kernelArguments = [],
  } = options;
  const cwd = fs.realpathSync(options.cwd ?? process.cwd());
  const outputDir = options.outputDir === undefined ? undefined : resolve(options.outputDir);
  const kernel = fetchKernel(version, { onProgress: (line) => console.error(line) });

  const directory = fs.mkdtempSync(join(tmpdir(), 'libtrace-guest-'));
  const inDirectory = (name) => join(directory, name);
  const startMs = Date.now();
  try {
    const controlDir = inDirectory('control');
    fs.mkdirSync(controlDir);
    const variables = { ...guestEnvironment(version, outputDir), ...env };
    fs.writeFileSync(join(controlDir, 'command.sh'), commandScript(command, cwd, variables));
    if (outputDir !== undefined) {
      fs.mkdirSync(outputDir, { recursive: true });
      fs.writeFileSync(join(controlDir, 'with-output'), '');
    }
    const keep = [...new Set([REPOSITORY, cwd])].filter((path) => EMPTY_IN_GUEST.test(path));
    const initramfs = inDirectory('initramfs');
    fs.writeFileSync(initramfs, buildInitramfs(kernel, { keep, rootOptions: ROOT_OPTIONS }));

    const consoleLog = inDirectory('console.log');
    const guest = {
      kernel,
      initramfs,
      consoleLog,
      controlDir,
      outputDir,
      timeoutMs,
      cpus,
      kernelArguments,
      onOutput,
    };
    const ended = await runQemu(guest);
    const exitCode = readExitCode(join(controlDir, 'exit-code'));
    if (exitCode === undefined) throw guestFailure(guest, ended);
    const bootedMs = fs.statSync(join(controlDir, 'started')).mtimeMs;
    return {
      exitCode,
      output: ended.output,
      seconds: (Date.now() - startMs) / 1000,
      bootSeconds: (bootedMs - startMs) / 1000,
    };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function guestEnvironment(version, outputDir) {
  const nodeDirectory = dirname(process.execPath);
  const isSystem = SYSTEM_PATH.split(':').includes(nodeDirectory);
  return {
    PATH: isSystem ? SYSTEM_PATH : `${nodeDirectory}:${SYSTEM_PATH}`,
    HOME: '/root',
    LANG: 'C.UTF-8',
    LIBTRACE_KERNEL: version,
    ...(process.env.CI === undefined ? {} : { CI: process.env.CI }),
    ...(outputDir === undefined ? {} : { LIBTRACE_OUTPUT_DIR: OUTPUT_IN_GUEST }),
  };
}

/** `env` by its full path: the guest's own shell would take its built-in one, and built-in programs with it. */
function commandScript(command, cwd, variables) {
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const words = [...assignments, ...command].map(quote).join(' ');
  return `cd ${quote(cwd)} || exit 126\nexec /usr/bin/env -i ${words}\n`;
}

/** What the guest left; undefined where it did not come to that, or was stopped while writing. */
function readExitCode(file) {
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  return /^\d+\n$/.test(text) ? Number(text) : undefined;
}

async function main() {
  const { values, positionals, tokens } = parseArgs({
    options: { timeout: { type: 'string' }, output: { type: 'string' } },
    allowPositionals: true,
    tokens: true,
  });
  const [version, ...command] = positionals;
  if (command.length === 0 || !tokens.some(({ kind }) => kind === 'option-terminator')) {
    const versions = Object.keys(KERNEL_SUITES).join('|');
    console.error(
      `usage: run-in-kernel.mjs [--timeout <seconds>] [--output <directory>] ${versions} -- <command…>`,
    );
    return 2;
  }
  const { exitCode, seconds, bootSeconds } = await runInKernel(version, {
    command,
    onOutput: (text) => process.stdout.write(text),
    ...(values.timeout === undefined ? {} : { timeoutMs: Number(values.timeout) * 1000 }),
    ...(values.output === undefined ? {} : { outputDir: values.output }),
  });
  const times = `${bootSeconds.toFixed(1)} s to boot, ${seconds.toFixed(1)} s in all`;
  console.error(`kernel ${version}: exit status ${exitCode}, ${times}`);
  return exitCode;
}

if (
  process.argv[1] !== undefined &&
  fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
