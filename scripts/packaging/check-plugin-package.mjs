// SPDX-License-Identifier: Apache-2.0
// What a third party does with a plugin: install libtrace from the registry (here: from tarballs), build, test, pack; then
// what a user does with it: install it beside the command, list it, read a recording with it.
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packFolder } from './pack.mjs';
import { run } from './outcome.mjs';

const quick = ['--no-audit', '--no-fund', '--prefer-offline', '--no-package-lock'];
const left = /^(?:node_modules|dist|build|bpf)$/;

/** Copies a package without what was installed or built in it. */
export function copyPackage(from, to) {
  cpSync(from, to, { recursive: true, filter: (path) => !left.test(path.slice(from.length + 1)) });
}

/** Installs what a package needs; libtrace's packages come from tarballs. */
export async function install(folder, packed, names) {
  const tarballs = packed.filter(({ name }) => names.includes(name)).map(({ tarball }) => tarball);
  await run('npm', ['install', ...quick, '--no-save', ...tarballs], { cwd: folder });
}

/** Types, build, tests (a protocol's: the conformance suite). Returns how many tests passed. */
export async function buildAndTest(folder) {
  await run('npm', ['run', '--silent', 'typecheck'], { cwd: folder });
  await run('npm', ['run', '--silent', 'build'], { cwd: folder });
  const report = join(folder, 'report.json');
  await run('npx', ['--no-install', 'vitest', 'run', '--reporter=json', `--outputFile=${report}`], {
    cwd: folder,
  });
  const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPassedTests === 0 || numPassedTests !== numTotalTests) {
    throw new Error(`${numPassedTests} of ${numTotalTests} tests passed`);
  }
  return numPassedTests;
}

/** The plugin as its author would publish it, with what it has beside its code. */
export async function packPlugin(folder, to, others) {
  const packed = await packFolder(folder, to);
  const files = packed.files.sort().join(' ');
  const own = ['README.md', 'dist/index.d.ts', 'dist/index.js', 'package.json'];
  const wanted = [...own, ...others].sort().join(' ');
  if (files !== wanted) throw new Error(`the tarball holds ${files}, not ${wanted}`);
  return packed;
}

/** Makes a recording of each fixture of a plugin, as `libtrace record` would write it. */
export async function writeRecordings(folder, to, host) {
  const at = (name) =>
    import(pathToFileURL(join(host, 'node_modules', name, 'dist/index.js')).href);
  const { newRecordingHeader, openRecordingFile, RecordingWriter } = await at('@libtrace/core');
  const { readFixtures } = await at('@libtrace/testkit');
  const recordings = [];
  for (const fixture of readFixtures(join(folder, 'fixtures'))) {
    const file = join(to, `${fixture.name}.ltrec`);
    const header = newRecordingHeader({ wallClockOffsetNs: 0n });
    const sink = await openRecordingFile(file);
    const writer = new RecordingWriter({ header, sink });
    play(fixture, writer);
    await writer.complete();
    await sink.close();
    recordings.push({ file, records: fixture.records });
  }
  return recordings;
}

function play(fixture, writer) {
  const process = { pid: 7, ppid: 1, comm: 'server', exe: '/usr/bin/server', cgroup: '/' };
  const address = '127.0.0.1';
  writer.open({
    ...{ id: 1, transport: 'tcp', role: 'server', midstream: false },
    ...{ local: { address, port: fixture.serverPort }, remote: { address, port: 40_000 } },
  });
  const sent = { client: 0, server: 0 };
  let nowNs = 1e9;
  for (const { from, bytes } of fixture.steps) {
    nowNs += 1e6;
    const segment = {
      ...{ direction: from === 'client' ? 'in' : 'out', position: sent[from] },
      ...{ length: bytes.length, captured: bytes.length, data: bytes, dataStart: 0 },
      ...{ holeReason: undefined, oppositePosition: sent[from === 'client' ? 'server' : 'client'] },
      ...{ startNs: nowNs, endNs: nowNs, tid: 7, process },
    };
    writer.segment(1, segment, undefined);
    sent[from] += bytes.length;
  }
  writer.close(1, sent.client, sent.server, nowNs, process);
  writer.finish(nowNs);
}

/** `libtrace plugins --plugin`: the plugin is among those that the packed command lists. */
export async function checkListed(host, plugin, name) {
  const output = await libtrace(host, ['plugins', '--plugin', plugin]);
  if (!new RegExp(`^\\s*${name}\\b`, 'm').test(output)) {
    throw new Error(`libtrace plugins --plugin ${plugin} does not list ${name}:\n${output}`);
  }
}

/** `libtrace doctor --binary --plugin`: a source finds a place for every probe in a file; nothing is attached. */
export async function checkInspected(host, plugin, source, binary) {
  const args = ['doctor', '--binary', binary, '--plugin', plugin, '--format', 'json'];
  const [{ sources }] = JSON.parse(await libtrace(host, args));
  const [found] = sources;
  if (sources.length !== 1 || found.source !== source || found.probes.length === 0)
    throw new Error(`${binary}: ${JSON.stringify(sources)}`);
  const failed = found.probes.filter(({ reason }) => reason !== undefined);
  if (failed.length > 0) throw new Error(`${binary}: ${JSON.stringify(failed)}`);
}

/** `libtrace read --plugin`: gives the records that the fixtures expect. */
export async function checkRead(host, plugin, recordings) {
  for (const { file, records } of recordings) {
    const output = await libtrace(host, [
      'read',
      file,
      '--plugin',
      plugin,
      '--format',
      'json',
      '--show-values',
    ]);
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const got = lines.map(({ operation, status }) => `${operation} ${status}`).join(', ');
    const wanted = records.map(
      ({ operation, status }, i) => `${operation} ${status ?? lines[i]?.status}`,
    );
    if (got !== wanted.join(', '))
      throw new Error(`${file}: got ${got}\nwanted ${wanted.join(', ')}`);
  }
}

function libtrace(host, args) {
  return run(process.execPath, [join(host, 'node_modules/@libtrace/cli/dist/main.js'), ...args], {
    cwd: host,
  });
}

/** A project of a user: the command and a plugin, nothing of the repository. */
export async function installHost(host, packed, plugins) {
  writeFileSync(
    join(host, 'package.json'),
    '{ "name": "host", "private": true, "type": "module" }\n',
  );
  const tarballs = [...packed, ...plugins].map(({ tarball }) => tarball);
  await run('npm', ['install', ...quick, ...tarballs], { cwd: host });
  const installed = readdirSync(join(host, 'node_modules/@libtrace'));
  for (const { name } of packed) {
    const short = name.replace('@libtrace/', '');
    if (name.startsWith('@libtrace/') && !installed.includes(short))
      throw new Error(`${name} was not installed`);
  }
}
