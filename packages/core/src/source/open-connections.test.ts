// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelConnection } from '../kernel/event-decoder.js';
import { OpenConnections } from './open-connections.js';

const nowhere = { address: '', port: 0 };
/** Above PID_MAX_LIMIT: no process has it. */
const NOBODY = 4_194_305;

function connection(id: number, more: Partial<KernelConnection>): KernelConnection {
  return {
    id,
    transport: 'tcp',
    role: 'unknown',
    local: nowhere,
    remote: nowhere,
    midstream: false,
    key: BigInt(id),
    inode: 0,
    pid: process.pid,
    ...more,
  };
}

describe('OpenConnections', () => {
  const server = createServer();
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  /** Inodes of the sockets that this process holds. */
  const held = (): number[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const link = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`));
        return link === null ? [] : [Number(link[1])];
      } catch {
        return [];
      }
    });

  /** So many that this process holds and TCP is done with. */
  function withIdle(count: number): OpenConnections {
    const [inode] = held();
    const open = new OpenConnections();
    for (let id = 1; id <= count; id++) {
      open.opened(connection(id, { inode: inode! }), 0);
      open.lingers(id);
    }
    return open;
  }

  it('finds the ends of ended processes, however many idle connections there are', () => {
    const open = withIdle(1_000);
    open.opened(connection(2_000, { pid: NOBODY, inode: 1 }), 0);
    open.lingers(2_000);
    open.exited(NOBODY);
    expect(open.takeEnded(10e9).map(({ id }) => id)).toEqual([2_000]);
    expect(open.size).toBe(1_000);
  });

  it('looks for all of them in the end', () => {
    const open = withIdle(1_000);
    open.opened(connection(2_000, { inode: 1 }), 0);
    open.lingers(2_000);
    const found: number[] = [];
    for (let second = 10; second < 16; second++) {
      found.push(...open.takeEnded(second * 1e9).map(({ id }) => id));
    }
    expect(found).toEqual([2_000]);
  });

  it('knows unix sockets that still are', () => {
    const rows = readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1);
    const inode = Number(rows[0]!.trim().split(/\s+/)[6]);
    const open = new OpenConnections();
    open.opened(connection(1, { transport: 'unix', inode }), 0);
    open.opened(connection(2, { transport: 'unix', inode: 1 }), 0);
    expect(open.takeEnded(1e9)).toEqual([]);
    expect(open.takeEnded(10e9).map(({ id }) => id)).toEqual([2]);
  });
});
