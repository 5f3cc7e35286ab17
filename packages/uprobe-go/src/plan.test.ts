// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { FunctionProbe, ProbePlan } from '@libtrace/core/plugin';
import { addressOf, bytesOf, defaultNames, goImage } from './go-image.test-support.js';
import { MemoryImage } from './memory-image.test-support.js';
import { planGoProgram } from './plan.js';

const read = 'crypto/tls.(*Conn).Read';

function planOf(image: MemoryImage): ProbePlan {
  const plan = planGoProgram(image);
  if (plan === undefined || 'reason' in plan) throw new Error(plan?.reason ?? 'no plan');
  return plan;
}

describe('the plan of a Go program', () => {
  it('probes Read, Write and Close at their beginnings, and at the return instructions of the first two', () => {
    const plan = planOf(goImage());
    const probes = plan.probes as readonly FunctionProbe[];
    expect(probes.map(({ program, when }) => `${program} ${when}`)).toEqual([
      'go_read_enter entry',
      'go_read_return return',
      'go_write_enter entry',
      'go_write_return return',
      'go_close_enter entry',
    ]);
    for (const probe of probes) {
      if (probe.when === 'return') expect(probe.returns).toBe('sites');
      else expect(probe).toMatchObject({ stack: true, goStackCheck: true });
      expect(probe.optional ?? false).toBe(probe.program === 'go_close_enter');
    }
    expect(probes[0]!.function).toEqual({
      name: read,
      address: addressOf({}, read),
      size: bytesOf({}, read),
    });
    expect(plan.summary).toBe(
      'Go 1.23.5, functions by .gopclntab (format 1.20), text by head of the table',
    );
    expect(plan.constants).toEqual({
      register_abi: 1,
      goid_offset: 160,
      conn_conn_offset: 0,
      tcpconn_fd_offset: 0,
      netfd_pfd_offset: 0,
      netfd_net_offset: 80,
      fd_sysfd_offset: 16,
    });
  });

  it('is the same for arm64, with its own registers', () => {
    const [probe] = planOf(goImage({ machine: 'aarch64' })).probes as readonly FunctionProbe[];
    expect(probe!.registers).toEqual(['x0', 'x1', 'x2', 'x28']);
  });

  it('uses the stack for arguments before Go 1.17, and on arm64 before 1.18', () => {
    const abi = (version: string, machine: 'x86_64' | 'aarch64') => {
      const { constants, probes } = planOf(goImage({ version, machine }));
      return [constants!['register_abi'], (probes[0] as FunctionProbe).registers!.length];
    };
    expect(abi('go1.16.15', 'x86_64')).toEqual([0, 0]);
    expect(abi('go1.17', 'x86_64')).toEqual([1, 4]);
    expect(abi('go1.17.9', 'aarch64')).toEqual([0, 0]);
    expect(abi('go1.18', 'aarch64')).toEqual([1, 4]);
  });

  it('says so when it assumes the offsets of another version', () => {
    const plan = planOf(goImage({ version: 'go1.99.1' }));
    expect(plan.summary).toMatch(
      /^Go 1\.99\.1, .*struct offsets assumed: those of Go 1\.\d+\.\d+$/,
    );
    expect(planOf(goImage({ version: 'devel +abc' })).summary).toMatch(
      /^Go, devel \+abc, .*assumed/,
    );
  });

  it('says nothing of what is not Go, or has no crypto/tls', () => {
    expect(planGoProgram(new MemoryImage('x86_64', []))).toBeUndefined();
    expect(planGoProgram(goImage({ names: ['main.main', 'runtime.main'] }))).toBeUndefined();
  });

  it('gives a reason where crypto/tls is but cannot be probed', () => {
    const names = defaultNames.filter((name) => name !== 'crypto/tls.(*Conn).Write');
    expect(planGoProgram(goImage({ names }))).toEqual({
      reason: 'Go 1.23.5: it has no function crypto/tls.(*Conn).Write',
    });
  });

  it('prefers symbols, and offsets of the debug information', () => {
    const image = goImage();
    const symbols = ['Read', 'Write'].map((method, index) => ({
      name: `crypto/tls.(*Conn).${method}`,
      address: 0x401000 + 96 * index,
      fileOffset: 0x1000,
      size: 90,
      isFunction: true,
      table: 'static' as const,
    }));
    const withSymbols = new MemoryImage('x86_64', partsOf(image), symbols);
    const members = {
      ...{ 'runtime.g.goid': 168, 'runtime.g.stack': 0, 'runtime.stack.lo': 0 },
      ...{ 'runtime.stack.hi': 8, 'crypto/tls.Conn.conn': 24, 'net.TCPConn.conn': 0 },
      ...{ 'net.conn.fd': 8, 'net.netFD.pfd': 16, 'net.netFD.net': 96 },
      'internal/poll.FD.Sysfd': 32,
    };
    for (const [name, offset] of Object.entries(members)) withSymbols.members.set(name, offset);
    const plan = planOf(withSymbols);
    expect(plan.summary).toBe('Go 1.23.5, functions by symbols');
    expect(plan.probes.map(({ program }) => program)).not.toContain('go_close_enter');
    expect((plan.probes[0] as FunctionProbe).function.size).toBe(90);
    expect(plan.constants).toMatchObject({
      ...{ goid_offset: 168, conn_conn_offset: 24, tcpconn_fd_offset: 8 },
      ...{ netfd_pfd_offset: 16, netfd_net_offset: 96, fd_sysfd_offset: 32 },
    });
  });
});

/** The build information alone: nothing else is needed when there are symbols. */
function partsOf(image: MemoryImage) {
  const section = '.go.buildinfo';
  const { address } = image.section(section)!;
  return [{ section, address, bytes: image.sectionBytes(section)!, isWritable: true }];
}
