// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { programPath } from './requirements.js';
import { guestKernel, timeScale } from './time-scale.js';

const kinds = ['prog', 'map', 'link'] as const;

function bpftool(...args: readonly string[]): string {
  return execFileSync(programPath('bpftool')!, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Programs, maps and links that a process holds: `prog 12`, `map 3`, `link 4`. */
export function kernelObjectsOf(pid: number): ReadonlySet<string> {
  const held = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text = '';
    try {
      text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    } catch {
      // The descriptor that the directory was read with.
    }
    // A link tells its program too.
    const [, kind, id] =
      /^(link)_id:\s*(\d+)$/m.exec(text) ?? /^(prog|map)_id:\s*(\d+)$/m.exec(text) ?? [];
    if (kind !== undefined) held.add(`${kind} ${id!}`);
  }
  return held;
}

/** Which of these the kernel still has, as `bpftool` lists them. */
export function stillThere(objects: ReadonlySet<string>): readonly string[] {
  const all = new Set(
    kinds.flatMap((kind) =>
      (JSON.parse(bpftool('-j', kind, 'show')) as { id: number }[]).map(
        ({ id }) => `${kind} ${id}`,
      ),
    ),
  );
  return [...objects].filter((object) => all.has(object));
}

/**
 * Waits until the kernel has freed them all, which it does in the background. It is left alone at first, and looked at
 * seldom: `bpftool prog` and `bpftool map` open maps for a moment, and a program array that is closed once more while it
 * still waits to be cleared is never freed (kernel/bpf/arraymap.c, prog_array_map_clear, takes a reference for work that
 * may be queued already).
 */
export async function expectFreed(objects: ReadonlySet<string>): Promise<void> {
  const interval = guestKernel === undefined ? 1_500 : 4_000;
  await new Promise((resolve) => setTimeout(resolve, interval));
  await expect
    .poll(() => stillThere(objects), { timeout: 10_000 * timeScale, interval })
    .toEqual([]);
}

/** Probes that a process holds, as `bpftool perf` lists them. */
export function probesOf(pid: number): readonly string[] {
  return bpftool('perf', 'show')
    .split('\n')
    .filter((line) => line.startsWith(`pid ${pid} `));
}

/** How many of each kind. */
export function countKinds(objects: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = { prog: 0, map: 0, link: 0 };
  for (const object of objects) counts[object.split(' ')[0]!]!++;
  return counts;
}
