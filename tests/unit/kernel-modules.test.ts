// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  insertionOrder,
  moduleName,
  parseModulesDep,
} from '../../scripts/kernels/kernel-modules.mjs';

// Shortened from what depmod writes for a Debian 5.10 kernel: dependencies are not in insertion order there.
const MODULES_DEP = `kernel/fs/fscache/fscache.ko:
kernel/fs/9p/9p.ko: kernel/fs/fscache/fscache.ko kernel/net/9p/9pnet.ko
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko
kernel/net/9p/9pnet.ko:
kernel/net/9p/9pnet_virtio.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko kernel/net/9p/9pnet.ko
`;
const BUILTIN = 'kernel/drivers/char/virtio_console.ko\nkernel/net/ipv6/ipv6.ko\n';
const order = (wanted: string[], dep = MODULES_DEP) =>
  insertionOrder(parseModulesDep(dep), BUILTIN, wanted);

describe('order of kernel modules', () => {
  it('takes a compressed file, a plain one and both spellings for the same module', () => {
    const spellings = ['kernel/net/a-b.ko.xz', 'a_b.ko', 'a-b', 'x/a_b.ko.zst'];
    expect(spellings.map(moduleName)).toEqual(['a_b', 'a_b', 'a_b', 'a_b']);
  });

  it('puts every module after all that it needs, and none twice', () => {
    const { files, missing } = order(['virtio_pci', '9pnet_virtio', '9p']);
    expect(missing).toEqual([]);
    expect(files.toSorted()).toEqual([...new Set(files)].toSorted());
    expect(files).toHaveLength(7);
    for (const line of MODULES_DEP.trim().split('\n')) {
      const [file, needs] = line.split(':') as [string, string];
      if (!files.includes(file)) continue;
      for (const needed of needs.split(' ').filter(Boolean)) {
        expect(files.indexOf(needed)).toBeGreaterThanOrEqual(0);
        expect(files.indexOf(needed)).toBeLessThan(files.indexOf(file));
      }
    }
  });

  it('follows dependencies of dependencies where the list has only the direct ones', () => {
    expect(order(['c'], 'a.ko:\nb.ko: a.ko\nc.ko: b.ko\n').files).toEqual(['a.ko', 'b.ko', 'c.ko']);
  });

  it('finds a module whose file name has a dash', () => {
    expect(order(['virtio_rng']).files.at(-1)).toBe('kernel/drivers/char/hw_random/virtio-rng.ko');
  });

  it('needs no file for a built-in module and reports one that the kernel lacks', () => {
    expect(order(['virtio_console', 'overlay'])).toEqual({ files: [], missing: ['overlay'] });
  });
});
