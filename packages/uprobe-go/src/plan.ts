// SPDX-License-Identifier: Apache-2.0
import type {
  ElfImage,
  FunctionProbe,
  FunctionRange,
  Machine,
  NoPlan,
  ProbePlan,
} from '@libtrace/core/plugin';
import { readBuildInfo } from './build-info.js';
import type { GoBuildInfo } from './build-info.js';
import { findGoFunctions } from './functions.js';
import type { GoFunctions } from './functions.js';
import { compareGoVersions, formatGoVersion, parseGoVersion } from './go-version.js';
import type { GoVersion } from './go-version.js';
import { findOffsets } from './offsets.js';
import type { FoundOffsets } from './offsets.js';

const read = 'crypto/tls.(*Conn).Read';
const write = 'crypto/tls.(*Conn).Write';
const close = 'crypto/tls.(*Conn).Close';

/** Registers of arguments, results and the goroutine in Go's own calling convention (https://go.dev/s/regabi). */
const registers: Readonly<Record<Machine, readonly string[]>> = {
  x86_64: ['rax', 'rbx', 'rcx', 'r14'],
  aarch64: ['x0', 'x1', 'x2', 'x28'],
};

/** The first version with that convention; before it, everything was on the stack. */
const firstWithRegisters: Readonly<Record<Machine, GoVersion>> = {
  x86_64: { minor: 17, patch: 0 },
  aarch64: { minor: 18, patch: 0 },
};

/** What to probe in a program; undefined when it is not of Go, or holds no crypto/tls. */
export function planGoProgram(image: ElfImage): ProbePlan | NoPlan | undefined {
  const info = readBuildInfo(image);
  if (info === undefined) return undefined;
  const found = findGoFunctions(image, [read, write, close]);
  if (found.problem !== undefined) return { reason: `${titleOf(info)}: ${found.problem}` };
  const [reading, writing] = [found.functions.get(read), found.functions.get(write)];
  if (reading === undefined && writing === undefined) return undefined;
  if (reading === undefined || writing === undefined) {
    const missing = reading === undefined ? read : write;
    return { reason: `${titleOf(info)}: it has no function ${missing}` };
  }
  const version = parseGoVersion(info.version);
  const offsets = findOffsets(image, version);
  const usesRegisters = hasRegisterAbi(image.machine, version);
  return {
    probes: probesOf(reading, writing, found.functions.get(close), {
      registers: usesRegisters ? registers[image.machine] : [],
      stack: true,
      goStackCheck: true,
    }),
    constants: constantsOf(offsets, usesRegisters),
    summary: summaryOf(info, found, offsets),
    details: detailsOf(info, found, offsets, usesRegisters),
  };
}

/** A version that cannot be read is taken for a new one. */
function hasRegisterAbi(machine: Machine, version: GoVersion | undefined): boolean {
  return version === undefined || compareGoVersions(version, firstWithRegisters[machine]) >= 0;
}

type EntryConditions = Pick<FunctionProbe, 'registers' | 'stack' | 'goStackCheck'>;

function probesOf(
  reading: FunctionRange,
  writing: FunctionRange,
  closing: FunctionRange | undefined,
  entry: EntryConditions,
): readonly FunctionProbe[] {
  const atReturn = { when: 'return', returns: 'sites', registers: entry.registers ?? [] } as const;
  const probes: FunctionProbe[] = [
    { program: 'go_read_enter', function: reading, when: 'entry', ...entry },
    { program: 'go_read_return', function: reading, ...atReturn },
    { program: 'go_write_enter', function: writing, when: 'entry', ...entry },
    { program: 'go_write_return', function: writing, ...atReturn },
  ];
  if (closing !== undefined) {
    probes.push({
      program: 'go_close_enter',
      function: closing,
      when: 'entry',
      optional: true,
      ...entry,
    });
  }
  return probes;
}

/** Variables of bpf/go.bpf.c. */
function constantsOf({ offsets }: FoundOffsets, usesRegisters: boolean): Record<string, number> {
  return {
    register_abi: usesRegisters ? 1 : 0,
    goid_offset: offsets.goid,
    conn_conn_offset: offsets.connConn,
    tcpconn_fd_offset: offsets.tcpConnFd,
    netfd_pfd_offset: offsets.netFdPfd,
    netfd_net_offset: offsets.netFdNet,
    fd_sysfd_offset: offsets.fdSysfd,
  };
}

/** `Go 1.23.5`; what the file says when that is no release. */
function titleOf({ version }: GoBuildInfo): string {
  const parsed = parseGoVersion(version);
  if (parsed === undefined) return version === '' ? 'Go of unknown version' : `Go, ${version}`;
  const isPlain = /^go[\d.]+$/.test(version);
  return `Go ${formatGoVersion(parsed)}${isPlain ? '' : ` (${version})`}`;
}

function summaryOf(info: GoBuildInfo, { foundBy }: GoFunctions, offsets: FoundOffsets): string {
  const assumed = offsets.isAssumed ? `, struct offsets assumed: ${offsets.foundBy}` : '';
  return `${titleOf(info)}, functions by ${foundBy}${assumed}`;
}

function detailsOf(
  info: GoBuildInfo,
  { functions, foundBy }: GoFunctions,
  { offsets, foundBy: offsetsFoundBy, isAssumed }: FoundOffsets,
  usesRegisters: boolean,
): readonly string[] {
  const { settings } = info;
  const built = ['GOARCH', 'CGO_ENABLED', '-buildmode', '-ldflags', 'GOEXPERIMENT']
    .filter((key) => settings.has(key))
    .map((key) => `${key}=${settings.get(key) ?? ''}`);
  return [
    ...(info.path === undefined ? [] : [`package ${info.path}`]),
    ...(info.module === undefined ? [] : [`module ${info.module}`]),
    ...(built.length === 0 ? [] : [`built with ${built.join(' ')}`]),
    `calling convention: ${usesRegisters ? 'registers' : 'stack'}`,
    ...[...functions.values()].map(
      ({ name, address, size }) =>
        `${name} at 0x${address.toString(16)}, ${size} bytes, by ${foundBy}`,
    ),
    `struct offsets: ${offsetsFoundBy}${isAssumed ? ' (assumed: this version is not known)' : ''}: ` +
      `goid ${offsets.goid}, conn ${offsets.connConn}, fd ${offsets.tcpConnFd}, ` +
      `pfd ${offsets.netFdPfd}, net ${offsets.netFdNet}, Sysfd ${offsets.fdSysfd}`,
  ];
}
