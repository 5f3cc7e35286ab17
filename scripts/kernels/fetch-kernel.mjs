// SPDX-License-Identifier: Apache-2.0
// Downloads a Debian kernel once and keeps the little of it that a guest needs (about 15 MB): the image, its
// configuration and a few modules. Nothing is installed.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { debianSuite } from '../debian-suite.mjs';
import { BOOT_MODULES, EXTRA_MODULES, insertionOrder, parseModulesDep } from './kernel-modules.mjs';

/** The kernels that libtrace is tested on, each with the Debian suites that carry it, best first. */
export const KERNEL_SUITES = {
  '5.10': ['bullseye-security', 'bullseye'],
  6.1: ['bookworm-security', 'bookworm'],
  6.12: ['trixie', 'trixie-security'],
  7.2: ['forky', 'trixie-backports'],
};

/**
 * @typedef {object} Kernel
 * @property {string} version what was asked for: `6.1`
 * @property {string} release what `uname -r` says: `6.1.0-56-amd64`
 * @property {string} vmlinuz path of the bootable image
 * @property {string} config path of the kernel's build configuration
 * @property {string} modulesDir a directory as `/lib/modules/<release>` is, with the needed modules only, uncompressed
 */

/** Where kernels are kept: outside the repository, shared by all checkouts. */
function kernelsDirectory() {
  const base =
    process.env.LIBTRACE_CACHE_DIR ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'libtrace');
  return join(base, 'kernels');
}

/**
 * @param {string} version one of {@link KERNEL_SUITES}
 * @param {{ onProgress?: (line: string) => void }} [options]
 * @returns {Kernel} from the cache when it is there, whatever newer point release the archive may have
 */
export function fetchKernel(version, { onProgress = () => {} } = {}) {
  const suites = KERNEL_SUITES[version];
  if (suites === undefined) {
    throw new Error(`no kernel ${version}; known are ${Object.keys(KERNEL_SUITES).join(', ')}`);
  }
  const directory = join(kernelsDirectory(), version);
  const cached = readCached(version, directory);
  if (cached !== undefined) return cached;

  fs.mkdirSync(dirname(directory), { recursive: true });
  const temporary = fs.mkdtempSync(`${directory}.new-`);
  const scratch = fs.mkdtempSync(join(tmpdir(), 'libtrace-kernel-'));
  try {
    const tree = downloadKernel(version, suites, scratch, onProgress);
    keepNeeded(version, tree, temporary);
    fs.rmSync(directory, { recursive: true, force: true });
    try {
      fs.renameSync(temporary, directory);
    } catch (error) {
      // Another process has put its own copy there in the meantime: that one is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  const kernel = readCached(version, directory);
  if (kernel === undefined) throw new Error(`the kernel stored in ${directory} is not complete`);
  return kernel;
}

/** A kernel stored by an earlier call, or undefined if there is none or it was made for another list of modules. */
function readCached(version, directory) {
  const file = join(directory, 'kernel.json');
  if (!fs.existsSync(file)) return undefined;
  const { release, wanted } = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (wanted !== wantedModules()) return undefined;
  return {
    version,
    release,
    vmlinuz: join(directory, 'vmlinuz'),
    config: join(directory, 'config'),
    modulesDir: join(directory, 'lib/modules', release),
  };
}

const wantedModules = () => [...BOOT_MODULES, '+', ...EXTRA_MODULES].join(' ');

/** Downloads and unpacks the kernel from the first suite that has it; returns the unpacked tree. */
function downloadKernel(version, suites, scratch, onProgress) {
  const reasons = [];
  for (const suite of suites) {
    try {
      const flags = debianSuite(suite, join(scratch, suite));
      const image = imagePackage(version, suite, flags);
      onProgress(`downloading ${image} from ${suite}`);
      const packages = [image, ...splitPackages(image, flags)];
      const downloads = join(scratch, `${suite}-downloads`);
      fs.mkdirSync(downloads);
      execFileSync('apt-get', [...flags, '-qq', 'download', ...packages], {
        cwd: downloads,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const tree = join(scratch, `${suite}-tree`);
      for (const file of fs.readdirSync(downloads)) {
        execFileSync('dpkg', ['-x', join(downloads, file), tree]);
      }
      return tree;
    } catch (error) {
      reasons.push(`${suite}: ${error.message}`);
    }
  }
  throw new Error(
    `kernel ${version} could not be fetched. Check that this machine reaches its Debian archive ` +
      `(apt-get update) and that dpkg and kmod are installed.\n  ${reasons.join('\n  ')}`,
  );
}

/** The image package of the plain flavour: the one that `linux-image-amd64` depends on, or an older one of `version`. */
function imagePackage(version, suite, flags) {
  const fits = (name) =>
    name.startsWith(`linux-image-${version}.`) &&
    /^linux-image-[\d.]+(-\d+)?(\+[a-z\d]+)?-amd64$/.test(name);
  const current = dependencies('linux-image-amd64', flags).find((d) =>
    d.startsWith('linux-image-'),
  );
  if (current !== undefined && fits(current)) return current;
  const names = execFileSync('apt-cache', [...flags, 'pkgnames', `linux-image-${version}.`], {
    encoding: 'utf8',
  });
  const [newest] = names
    .split('\n')
    .filter(fits)
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  if (newest !== undefined) return newest;
  throw new Error(
    `${suite} has ${current ?? 'no linux-image-amd64'}, and no other kernel ${version}`,
  );
}

/** Since 7.x an image package is empty: image, modules and the lists of built-in ones are in packages of their own. */
const splitPackages = (image, flags) =>
  dependencies(image, flags).filter((d) => /^linux-(base|binary|modules)-\d/.test(d));

function dependencies(name, flags) {
  const text = execFileSync('apt-cache', [...flags, 'show', '--no-all-versions', name], {
    encoding: 'utf8',
  });
  const line = text.split('\n').find((row) => row.startsWith('Depends: ')) ?? '';
  return line
    .slice('Depends: '.length)
    .split(/[,|]/)
    .map((part) => part.trim().split(' ')[0]);
}

/** Copies image, configuration and the wanted modules out of the unpacked `tree` into `target`. */
function keepNeeded(version, tree, target) {
  const root = ['lib/modules', 'usr/lib/modules'].map((d) => join(tree, d)).find(fs.existsSync);
  const release = root === undefined ? undefined : fs.readdirSync(root)[0];
  if (!release?.startsWith(`${version}.`)) {
    throw new Error(`the packages of kernel ${version} hold ${release ?? 'no'} modules`);
  }
  const modules = join(root, release);
  const first = (...paths) => paths.find((path) => fs.existsSync(path));
  const vmlinuz = first(join(tree, 'boot', `vmlinuz-${release}`), join(modules, 'vmlinuz'));
  if (vmlinuz === undefined) throw new Error(`the packages of kernel ${release} hold no vmlinuz`);
  const image = imageRelease(vmlinuz);
  if (image !== release) throw new Error(`the image of kernel ${release} says that it is ${image}`);
  fs.copyFileSync(vmlinuz, join(target, 'vmlinuz'));
  const config = first(join(tree, 'boot', `config-${release}`), join(modules, 'config'));
  if (config !== undefined) fs.copyFileSync(config, join(target, 'config'));

  depmod(tree, root, release);
  const dep = parseModulesDep(fs.readFileSync(join(modules, 'modules.dep'), 'utf8'));
  const builtin = fs.readFileSync(join(modules, 'modules.builtin'), 'utf8');
  const boot = insertionOrder(dep, builtin, BOOT_MODULES);
  if (boot.missing.length > 0)
    throw new Error(`kernel ${release} lacks ${boot.missing.join(', ')}`);
  const all = insertionOrder(dep, builtin, [...BOOT_MODULES, ...EXTRA_MODULES]);

  const kept = join(target, 'lib/modules', release);
  for (const file of all.files) storeModule(join(modules, file), join(kept, file));
  for (const list of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) {
    fs.copyFileSync(join(modules, list), join(kept, list));
  }
  depmod(target, join(target, 'lib/modules'), release);
  fs.writeFileSync(
    join(target, 'kernel.json'),
    JSON.stringify({ release, wanted: wantedModules() }),
  );
}

/** Runs depmod on `<directory>/<release>`; depmod itself insists on a base with `lib/modules` in it. */
function depmod(base, directory, release) {
  const expected = join(base, 'lib/modules');
  if (directory !== expected) {
    fs.mkdirSync(join(base, 'lib'), { recursive: true });
    fs.symlinkSync(directory, expected);
  }
  // sbin is not in every user's PATH.
  const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
  execFileSync('depmod', ['-b', base, release], { env: { ...process.env, PATH } });
}

/** Modules may be packed with xz; they are kept plain, so that the guest's busybox need not unpack them. */
function storeModule(from, to) {
  fs.mkdirSync(dirname(to), { recursive: true });
  if (!from.endsWith('.xz')) return fs.copyFileSync(from, to);
  const plain = execFileSync('xz', ['-dc', from], { maxBuffer: 2 ** 28 });
  fs.writeFileSync(to.replace(/\.xz$/, ''), plain);
}

/** The release in an image's own header (Documentation/arch/x86/boot.rst: kernel_version at 0x20e, from 0x200). */
function imageRelease(vmlinuz) {
  const image = fs.readFileSync(vmlinuz);
  if (image.toString('latin1', 0x202, 0x206) !== 'HdrS')
    throw new Error(`${vmlinuz} is no Linux image`);
  const at = image.readUInt16LE(0x20e) + 0x200;
  return image.toString('latin1', at, at + 256).split(/[ \0]/)[0];
}
