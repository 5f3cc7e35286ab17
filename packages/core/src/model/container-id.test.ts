// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { containerId } from './container-id.js';

const id = '0123456789abcdef'.repeat(4);
const outer = 'f'.repeat(64);

describe('containerId', () => {
  it.each([
    ['Docker, cgroupfs', `/docker/${id}`],
    ['Docker, systemd', `/system.slice/docker-${id}.scope`],
    [
      'containerd in Kubernetes',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1b2c.slice/cri-containerd-${id}.scope`,
    ],
    ['Kubernetes, cgroupfs', `/kubepods/besteffort/pod0a1b2c3d-1111-2222-3333-444455556666/${id}`],
    ['a name with colons', `/system.slice/kubepods-pod1.slice:cri-containerd:x-${id}.scope`],
    ['CRI-O', `/kubepods.slice/kubepods-pod1.slice/crio-${id}.scope`],
    ['podman', `/machine.slice/libpod-${id}.scope/container`],
    [
      'rootless podman',
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`,
    ],
    ['a cgroup below the container', `/docker/${id}/init.scope`],
    ['a container in a container', `/docker/${outer}/kubelet/kubepods/pod1/${id}`],
  ])('knows %s', (_, cgroup) => {
    expect(containerId(cgroup)).toBe(id);
  });

  it.each([
    ['the root', '/'],
    ['nothing', ''],
    ['a service', '/system.slice/nginx.service'],
    ['too short an id', `/docker/${id.slice(1)}`],
    ['too long an id', `/docker/${id}0`],
    ['upper case', `/docker/${id.toUpperCase()}`],
    ['the monitor of podman', `/machine.slice/libpod-conmon-${id}.scope`],
    ['the monitor of CRI-O', `/kubepods.slice/crio-conmon-${id}.scope`],
  ])('has none for %s', (_, cgroup) => {
    expect(containerId(cgroup)).toBeUndefined();
  });
});
