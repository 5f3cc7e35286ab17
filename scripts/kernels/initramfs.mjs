// SPDX-License-Identifier: Apache-2.0
// The initramfs of a guest: a static busybox, the modules and the two scripts guest-init.sh and guest-session.sh,
// written as an uncompressed cpio archive ("newc", Documentation/driver-api/early-userspace/buffer-format.rst).
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BOOT_MODULES, insertionOrder, parseModulesDep } from './kernel-modules.mjs';

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;
const PLAIN = 0o100644;
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'];

/**
 * @param {import('./fetch-kernel.mjs').Kernel} kernel
 * @param {{ keep: readonly string[], rootOptions: string }} options `keep`: directories of the host below `/tmp` or
 *   `/run`, which are otherwise empty in the guest; `rootOptions`: 9p mount options of the root
 * @returns {Buffer} the archive
 */
export function buildInitramfs(kernel, { keep, rootOptions }) {
  const modules = filesBelow(kernel.modulesDir);
  const { files: order } = insertionOrder(
    parseModulesDep(readFileSync(join(kernel.modulesDir, 'modules.dep'), 'utf8')),
    readFileSync(join(kernel.modulesDir, 'modules.builtin'), 'utf8'),
    BOOT_MODULES,
  );
  const script = (name) => readFileSync(new URL(name, import.meta.url));
  return cpioArchive([
    ['init', PROGRAM, script('guest-init.sh')],
    ['session.sh', PROGRAM, script('guest-session.sh')],
    ['bin/busybox', PROGRAM, staticBusybox()],
    ['insert-order', PLAIN, lines(order)],
    ['keep', PLAIN, lines(keep)],
    ['root-options', PLAIN, Buffer.from(rootOptions)],
    ...modules.map((file) => [
      `modules/${file}`,
      PLAIN,
      readFileSync(join(kernel.modulesDir, file)),
    ]),
  ]);
}

const lines = (rows) => Buffer.from(rows.map((row) => `${row}\n`).join(''));

/** All plain files below `directory`, as paths relative to it. */
function filesBelow(directory) {
  return readdirSync(directory, { recursive: true })
    .filter((name) => statSync(join(directory, name)).isFile())
    .sort();
}

/** A busybox that needs no shared library: its ELF program headers name no interpreter (PT_INTERP is 3). */
function staticBusybox() {
  for (const path of BUSYBOX.filter(existsSync)) {
    const elf = readFileSync(path);
    const table = Number(elf.readBigUInt64LE(0x20));
    const entrySize = elf.readUInt16LE(0x36);
    const count = elf.readUInt16LE(0x38);
    const types = Array.from({ length: count }, (_, i) => elf.readUInt32LE(table + i * entrySize));
    if (!types.includes(3)) return elf;
  }
  throw new Error('no static busybox on this machine: apt-get install busybox-static');
}

/**
 * @param {readonly [path: string, mode: number, content: Buffer][]} files; their directories are added
 * @returns {Buffer}
 */
function cpioArchive(files) {
  const directories = new Set();
  const addParents = (path) => {
    const parent = dirname(path);
    if (parent === '.' || directories.has(parent)) return;
    addParents(parent);
    directories.add(parent);
  };
  files.forEach(([path]) => addParents(path));
  const all = [
    ...[...directories].map((path) => [path, DIRECTORY, Buffer.alloc(0)]),
    ...files,
    ['TRAILER!!!', 0, Buffer.alloc(0)],
  ];
  return Buffer.concat(
    all.flatMap(([path, mode, content], i) => cpioEntry(i + 1, path, mode, content)),
  );
}

/** Magic, 13 fields of 8 hex digits, the name with its NUL, the content; name and content end on a multiple of four. */
function cpioEntry(inode, path, mode, content) {
  const links = mode === DIRECTORY ? 2 : 1;
  const nameSize = Buffer.byteLength(path) + 1;
  // inode, mode, uid, gid, nlink, mtime, filesize, dev major and minor, rdev major and minor, namesize, check
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, nameSize, 0];
  const header = '070701' + fields.map((n) => n.toString(16).padStart(8, '0')).join('');
  const name = Buffer.from(`${header}${path}\0`);
  return [name, padding(name.length), content, padding(content.length)];
}

const padding = (length) => Buffer.alloc((4 - (length % 4)) % 4);
