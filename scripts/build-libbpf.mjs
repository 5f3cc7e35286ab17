// SPDX-License-Identifier: Apache-2.0
// Builds libbpf and libelf as position-independent static libraries, once per machine, for the native addon.
//
// Debian's own archives are not position independent, so both are built from Debian's source packages: fetched with a
// private apt configuration, checked against pinned hashes, never committed. The result lives outside the repository
// (LIBTRACE_CACHE_DIR, else $XDG_CACHE_HOME/libtrace, else ~/.cache/libtrace), so that another clone finds it ready.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cp, copyFile, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { debianSuite } from './debian-suite.mjs';

const run = promisify(execFile);

/** Bump when the way of building changes, so that the folders of older recipes are not reused. */
const RECIPE = 1;
const SUITE = 'trixie';
const SOURCES = [
  {
    name: 'libbpf',
    version: '1.5.0',
    archive: 'libbpf_1.5.0.orig.tar.gz',
    sha256: '53492aff6dd47e4da04ef5e672d753b9743848bdb38e9d90eafbe190b7983c44',
  },
  {
    name: 'elfutils',
    version: '0.192',
    archive: 'elfutils_0.192.orig.tar.bz2',
    sha256: '616099beae24aba11f9b63d86ca6cc8d566d968b802391334c91df54eab416b4',
  },
];
const TOOLS = ['make', 'gcc', 'm4', 'flex', 'bison', 'gawk', 'tar', 'bzip2', 'apt-get'];
const BIG = { maxBuffer: 64 << 20 };

/** The machine-wide cache folder of the project's build inputs. */
export function cacheRoot() {
  const own = process.env.LIBTRACE_CACHE_DIR;
  if (own) return resolve(own);
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'libtrace');
}

function libbpfFolder() {
  const key = createHash('sha256')
    .update(JSON.stringify([RECIPE, process.arch, SOURCES]))
    .digest('hex')
    .slice(0, 12);
  return join(
    cacheRoot(),
    `${SOURCES.map((s) => `${s.name}-${s.version}`).join('_')}-${process.arch}-${key}`,
  );
}

/**
 * Where the built libraries and their headers are (or will be after `buildLibbpf`).
 * `include` is what BPF programs need for `#include <bpf/bpf_helpers.h>`; `lib` holds `libbpf.a libelf.a libeu.a`.
 * @returns {{ include: string, lib: string }}
 */
export function libbpfPaths() {
  const folder = libbpfFolder();
  return { include: join(folder, 'include'), lib: join(folder, 'lib') };
}

function sha256Of(path) {
  return new Promise((done, fail) => {
    const hash = createHash('sha256');
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', fail)
      .on('end', () => done(hash.digest('hex')));
  });
}

async function requireTools() {
  const missing = [];
  for (const tool of TOOLS) {
    await run('sh', ['-c', `command -v ${tool}`]).catch(() => missing.push(tool));
  }
  if (!existsSync('/usr/include/zlib.h')) missing.push('zlib.h (package zlib1g-dev)');
  if (missing.length > 0) {
    throw new Error(
      `cannot build libbpf: missing ${missing.join(', ')}. ` +
        'Install them: apt-get install build-essential zlib1g-dev m4 flex bison gawk bzip2 dpkg-dev',
    );
  }
}

/** Downloads both source archives into `directory` and checks them; returns their paths by name. */
async function fetchSources(directory) {
  mkdirSync(directory, { recursive: true });
  const flags = debianSuite(SUITE, join(directory, 'apt'), { sources: true });
  const wanted = [];
  for (const source of SOURCES) {
    const { stdout } = await run(
      'apt-cache',
      [...flags, 'showsrc', '--only-source', source.name],
      BIG,
    );
    const versions = [...stdout.matchAll(/^Version: (.*)$/gm)].map((m) => m[1]);
    const version = versions.find((v) => v.startsWith(`${source.version}-`));
    if (version === undefined) {
      throw new Error(
        `Debian ${SUITE} no longer offers the source of ${source.name} ${source.version} ` +
          `(it has: ${versions.join(', ') || 'none'}). Either put ${source.archive} into ${cacheRoot()}/sources ` +
          `yourself, or move the pins (version and sha256) at the top of scripts/build-libbpf.mjs to a version it has.`,
      );
    }
    wanted.push(`${source.name}=${version}`);
  }
  await run('apt-get', [...flags, '-qq', '--download-only', 'source', ...wanted], {
    ...BIG,
    cwd: directory,
  });
}

/** A checked copy of every source archive in the cache. */
async function sourceArchives(temporary) {
  const store = join(cacheRoot(), 'sources');
  mkdirSync(store, { recursive: true });
  const archives = {};
  const missing = [];
  for (const source of SOURCES) {
    const path = join(store, source.archive);
    if (existsSync(path) && (await sha256Of(path)) === source.sha256) archives[source.name] = path;
    else missing.push(source);
  }
  if (missing.length === 0) return archives;
  const download = join(temporary, 'download');
  await fetchSources(download);
  for (const source of missing) {
    const path = join(download, source.archive);
    const sum = existsSync(path) ? await sha256Of(path) : 'no such file';
    if (sum !== source.sha256) {
      throw new Error(
        `${source.archive} as fetched from Debian ${SUITE} has sha256 ${sum}, pinned is ${source.sha256}. ` +
          'Do not use it before you know why; if it is right, change the pin in scripts/build-libbpf.mjs.',
      );
    }
    const stored = join(store, source.archive);
    const part = `${stored}.${process.pid}.part`;
    await copyFile(path, part);
    renameSync(part, stored);
    archives[source.name] = stored;
  }
  return archives;
}

async function unpack(archive, directory) {
  await mkdir(directory, { recursive: true });
  await run('tar', ['-xf', archive, '-C', directory, '--strip-components=1']);
}

async function step(what, command, args, cwd) {
  try {
    await run(command, args, { ...BIG, cwd });
  } catch (error) {
    const tail = `${error.stdout ?? ''}${error.stderr ?? ''}`
      .trim()
      .split('\n')
      .slice(-25)
      .join('\n');
    throw new Error(`${what} failed (${command} ${args.join(' ')}):\n${tail}`, { cause: error });
  }
}

async function buildElfutils(source, out) {
  const features = ['debuginfod', 'libdebuginfod', 'nls'].map((name) => `--disable-${name}`);
  const without = ['bzlib', 'lzma', 'zstd'].map((name) => `--without-${name}`);
  const flags = 'CFLAGS=-O2 -fPIC -fvisibility=hidden -Wno-error';
  await step('elfutils: configure', './configure', ['-q', ...features, ...without, flags], source);
  await step('elfutils: lib', 'make', ['-s', '-j2', '-C', 'lib'], source);
  await step('elfutils: libelf', 'make', ['-s', '-j2', '-C', 'libelf', 'libelf.a'], source);
  await copyFile(join(source, 'libelf/libelf.a'), join(out, 'lib/libelf.a'));
  await copyFile(join(source, 'lib/libeu.a'), join(out, 'lib/libeu.a'));
  for (const header of ['libelf.h', 'gelf.h', 'elf.h', 'nlist.h']) {
    await copyFile(join(source, 'libelf', header), join(out, 'include', header));
  }
}

async function buildBpf(source, out) {
  const install = join(source, 'stage');
  const common = [
    '-s',
    '-j2',
    '-C',
    'src',
    'BUILD_STATIC_ONLY=1',
    `CFLAGS=-g -O2 -fPIC -I${join(out, 'include')}`,
    'NO_PKG_CONFIG=1',
    `DESTDIR=${install}`,
    'PREFIX=/usr',
    'LIBDIR=/usr/lib',
  ];
  await step('libbpf', 'make', [...common, 'install', 'install_uapi_headers'], source);
  await copyFile(join(install, 'usr/lib/libbpf.a'), join(out, 'lib/libbpf.a'));
  await cp(join(install, 'usr/include'), join(out, 'include'), { recursive: true });
}

/**
 * Makes sure that the static libraries exist; returns at once when they do. Safe to run several times at once: each
 * run builds in a folder of its own and the first to finish gives its folder the final name.
 * @returns {Promise<{ include: string, lib: string, built: boolean }>}
 */
export async function buildLibbpf({ log = () => {} } = {}) {
  const folder = libbpfFolder();
  const stamp = join(folder, 'complete');
  if (existsSync(stamp)) return { ...libbpfPaths(), built: false };
  await requireTools();
  mkdirSync(cacheRoot(), { recursive: true });
  const temporary = mkdtempSync(join(cacheRoot(), 'building-'));
  try {
    log('fetching the sources of libbpf and elfutils');
    const archives = await sourceArchives(temporary);
    const out = join(temporary, 'out');
    mkdirSync(join(out, 'include'), { recursive: true });
    mkdirSync(join(out, 'lib'), { recursive: true });
    log('building elfutils');
    await unpack(archives.elfutils, join(temporary, 'elfutils'));
    await buildElfutils(join(temporary, 'elfutils'), out);
    log('building libbpf');
    await unpack(archives.libbpf, join(temporary, 'libbpf'));
    await buildBpf(join(temporary, 'libbpf'), out);
    writeFileSync(
      join(out, 'complete'),
      `${JSON.stringify({ recipe: RECIPE, sources: SOURCES }, null, 2)}\n`,
    );
    if (existsSync(folder) && !existsSync(stamp)) rmSync(folder, { recursive: true, force: true });
    try {
      renameSync(out, folder);
    } catch (error) {
      if (!existsSync(stamp)) throw error; // another run was first: its result is as good
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return { ...libbpfPaths(), built: true };
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { lib, built } = await buildLibbpf({ log: (line) => console.log(line) });
  console.log(`${built ? 'built' : 'up to date'}: ${lib}`);
}
