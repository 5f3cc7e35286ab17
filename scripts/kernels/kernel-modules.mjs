// SPDX-License-Identifier: Apache-2.0
// Which kernel modules a guest needs, and the order in which they must be inserted. Pure functions on the text of the
// files that depmod writes, so that they are tested without a kernel.

/** What `/init` inserts before it can mount the host's root; a kernel that has one built in is fine. */
export const BOOT_MODULES = [
  'virtio_pci',
  'virtio_console',
  'virtio_rng',
  '9pnet_virtio',
  '9p',
  'overlay',
];

/** What the guest finds below `/lib/modules` for modprobe and the kernel's own autoloading; all optional. */
export const EXTRA_MODULES = [
  'veth',
  'dummy',
  'bridge',
  'tls',
  'sch_ingress',
  'cls_bpf',
  'act_bpf',
  'inet_diag',
  'tcp_diag',
  'udp_diag',
  'unix_diag',
  'af_packet_diag',
];

/**
 * The name a module is known by: `kernel/net/9p/9pnet_virtio.ko.xz` is `9pnet_virtio`, and `-` counts as `_`.
 * @param {string} path a module's file or plain name
 */
export function moduleName(path) {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko(\.(xz|gz|zst))?$/, '')
    .replaceAll('-', '_');
}

/**
 * Reads `modules.dep`: one line per module, `file: dependency dependency …`, every path relative to the file.
 * @param {string} text
 * @returns {Map<string, { file: string, needs: string[] }>} by module name; `needs` holds module names
 */
export function parseModulesDep(text) {
  const modules = new Map();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const file = line.slice(0, colon);
    const needs = line
      .slice(colon + 1)
      .split(/\s+/)
      .filter(Boolean);
    modules.set(moduleName(file), { file, needs: needs.map(moduleName) });
  }
  return modules;
}

/**
 * Orders `wanted` and all that it needs so that every module comes after its dependencies.
 * @param {ReturnType<typeof parseModulesDep>} modules
 * @param {string} builtinText the text of `modules.builtin`; a wanted module named there needs no file
 * @param {readonly string[]} wanted
 * @returns {{ files: string[], missing: string[] }} files in insertion order; `missing` are the wanted modules that this
 *   kernel has neither as a file nor built in
 */
export function insertionOrder(modules, builtinText, wanted) {
  const builtin = new Set(builtinText.split('\n').filter(Boolean).map(moduleName));
  const files = new Set();
  const missing = [];
  const entered = new Set();

  /** @param {string} name */
  const visit = (name) => {
    if (entered.has(name)) return;
    entered.add(name);
    const found = modules.get(name);
    if (found === undefined) {
      if (!builtin.has(name)) missing.push(name);
      return;
    }
    found.needs.forEach(visit);
    files.add(found.file);
  };
  wanted.map(moduleName).forEach(visit);
  return { files: [...files], missing };
}
