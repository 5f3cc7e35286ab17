// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { KernelConnection } from '../kernel/event-decoder.js';

/** A unix or lingering TCP socket that moved nothing for this long is looked for in /proc. */
const IDLE_NS = 5e9;
/** A peer of a UDP socket that was silent for this long is forgotten: datagrams have no end. */
const UDP_IDLE_NS = 60e9;
/** How often it is looked, at most; sooner when a process has ended. */
const SWEEP_NS = 1e9;
/** How many sockets are looked for at once, at most. */
const SWEEP_MAX = 256;

interface OpenConnection {
  readonly connection: KernelConnection;
  /** Process that moved bytes last. */
  pid: number;
  lastNs: number;
}

/**
 * The connections that the kernel side has announced and not ended, and the search for those whose end no hook sees:
 * unix and UDP sockets have no state changes to watch, and neither has a TCP socket that TCP is done with but a program
 * still holds. A program that ends, or is killed, closes them without a call.
 */
export class OpenConnections {
  readonly #all = new Map<number, OpenConnection>();
  readonly #unwatched = new Set<OpenConnection>();
  /** Of processes that have ended: looked for first. */
  readonly #orphans = new Set<OpenConnection>();
  #lastSweepNs = 0;

  get size(): number {
    return this.#all.size;
  }

  opened(connection: KernelConnection, nowNs: number): void {
    const open = { connection, pid: connection.pid, lastNs: nowNs };
    this.#all.set(connection.id, open);
    if (connection.transport !== 'tcp') this.#unwatched.add(open);
  }

  /** Bytes moved. */
  moved(id: number, pid: number, nowNs: number): void {
    const open = this.#all.get(id);
    if (open === undefined) return;
    open.pid = pid;
    open.lastNs = nowNs;
  }

  /** TCP is done with the socket, a program still holds it. */
  lingers(id: number): void {
    const open = this.#all.get(id);
    if (open !== undefined) this.#unwatched.add(open);
  }

  closed(id: number): void {
    const open = this.#all.get(id);
    if (open === undefined) return;
    this.#all.delete(id);
    this.#unwatched.delete(open);
    this.#orphans.delete(open);
  }

  /** A process ended: what it held is looked for at once. */
  exited(pid: number): void {
    for (const open of this.#unwatched) {
      if (open.pid !== pid) continue;
      open.lastNs = 0;
      this.#orphans.add(open);
      this.#lastSweepNs = 0;
    }
  }

  clear(): void {
    this.#all.clear();
    this.#unwatched.clear();
    this.#orphans.clear();
  }

  /** Takes out those that have ended unseen. */
  takeEnded(nowNs: number): readonly KernelConnection[] {
    if (this.#unwatched.size === 0 || nowNs - this.#lastSweepNs < SWEEP_NS) return [];
    this.#lastSweepNs = nowNs;
    const ended: KernelConnection[] = [];
    const unixSockets = new Map<number, ReadonlySet<number>>();
    const held = new Map<number, ReadonlySet<string>>();
    let looked = 0;
    for (const open of new Set([...this.#orphans, ...this.#unwatched])) {
      const { connection, pid, lastNs } = open;
      const { transport, inode } = connection;
      if (nowNs - lastNs < (transport === 'udp' ? UDP_IDLE_NS : IDLE_NS)) continue;
      if (++looked > SWEEP_MAX) break;
      this.#orphans.delete(open);
      // To the end: the next time, others are looked for.
      this.#unwatched.delete(open);
      this.#unwatched.add(open);
      if (transport === 'unix') {
        let inodes = unixSockets.get(pid);
        if (inodes === undefined) unixSockets.set(pid, (inodes = unixSocketInodes(pid)));
        if (inodes.has(inode)) continue;
      } else if (transport === 'tcp') {
        let links = held.get(pid);
        if (links === undefined) held.set(pid, (links = linksOf(pid)));
        if (links.has(`socket:[${inode}]`)) continue;
      }
      ended.push(connection);
    }
    for (const { id } of ended) this.closed(id);
    return ended;
  }

  /** Takes out those that the kernel side no longer knows: the events of their ends were lost. */
  takeMissing(known: ReadonlySet<number>): readonly KernelConnection[] {
    const missing = [...this.#all.values()]
      .map(({ connection }) => connection)
      .filter(({ id }) => !known.has(id));
    for (const { id } of missing) this.closed(id);
    return missing;
  }
}

/** What the descriptors of a process stand for; nothing when it is gone. */
function linksOf(pid: number): ReadonlySet<string> {
  try {
    return new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return new Set();
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

/** Inodes of the unix sockets in the network namespace of a process; of our own when it is gone. */
function unixSocketInodes(pid: number): ReadonlySet<number> {
  for (const who of [String(pid), 'self']) {
    try {
      const rows = readFileSync(`/proc/${who}/net/unix`, 'utf8').split('\n').slice(1);
      // Num RefCount Protocol Flags Type St Inode Path
      return new Set(rows.map((row) => Number(row.trim().split(/\s+/)[6])));
    } catch {
      // The process is gone: what it alone held is closed; another namespace's list would not have it either.
    }
  }
  return new Set();
}
