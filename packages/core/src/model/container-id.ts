// SPDX-License-Identifier: Apache-2.0

/**
 * A component of a cgroup's path that is a container: its id alone (Docker and containerd with the cgroupfs driver,
 * kubepods), or as a systemd scope: `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope`.
 */
const CONTAINER = /^(?:[a-z][a-z0-9_.:-]*-)?([0-9a-f]{64})(?:\.scope)?$/;
/** The process that watches over a container of podman or CRI-O has a cgroup of its own, named for the container. */
const MONITOR = /(?:^|-)conmon-/;

/**
 * The container that a cgroup belongs to, by the patterns of Docker, containerd, CRI-O, podman and Kubernetes; the
 * innermost one when containers run in containers. Undefined when it is none.
 * @param cgroup Path of the cgroup: `/system.slice/docker-….scope`
 */
export function containerId(cgroup: string): string | undefined {
  for (const component of cgroup.split('/').reverse()) {
    if (component.length < 64) continue;
    if (MONITOR.test(component)) return undefined;
    const id = CONTAINER.exec(component)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
