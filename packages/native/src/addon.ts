import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorFromErrno } from './error-mapping.js';
import { BpfError } from './errors.js';

/** A program of an object, as the addon lists it. */
export interface NativeProgramRow {
  readonly name: string;
  readonly section: string;
  readonly type: string;
  readonly autoload: boolean;
  readonly instructions: number;
}

/** A map of an object, as the addon lists it; data sections have their section's name. */
export interface NativeMapRow {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly internal: boolean;
}

/** A global variable of an object, and where it is. */
export interface NativeVariableRow {
  readonly name: string;
  readonly section: string;
  readonly map: number;
  readonly offset: number;
  readonly size: number;
}

/** One attachment (src/cpp/bpf_link.h). */
export interface NativeLink {
  readonly attached: boolean;
  detach(): void;
}

/** One opened object (src/cpp/bpf_object.h); programs and maps are named by index. */
export interface NativeObject {
  programs(): NativeProgramRow[];
  maps(): NativeMapRow[];
  variables(): NativeVariableRow[];
  setAutoload(program: number, on: boolean): void;
  setLogLevel(program: number, level: number): void;
  setMaxEntries(map: number, count: number): number;
  setAutocreate(map: number, on: boolean): void;
  reuseMap(map: number, fd: number): void;
  load(verbose: boolean): { error: number; log: string; milliseconds: number };
  programFd(program: number): number;
  mapFd(map: number): number;
  readMemory(map: number, offset: number, length: number): Buffer;
  writeMemory(map: number, offset: number, bytes: Uint8Array): void;
  isMapped(map: number): boolean;
  close(): void;
  attachRawTracepoint(program: number, event: string): NativeLink;
  attachTracepoint(program: number, category: string, name: string, cookie: bigint): NativeLink;
  attachTrace(program: number): NativeLink;
  attachLsm(program: number): NativeLink;
  attachKprobe(
    program: number,
    symbol: string,
    ret: boolean,
    offset: bigint,
    cookie: bigint,
  ): NativeLink;
  attachUprobe(
    program: number,
    path: string,
    offset: bigint,
    ret: boolean,
    pid: number,
    refCtrOffset: bigint,
    cookie: bigint,
  ): NativeLink;
  setUprobeMulti(program: number): void;
  attachUprobeMulti(
    program: number,
    path: string,
    offsets: readonly bigint[],
    ret: boolean,
    semaphores: readonly bigint[],
  ): NativeLink;
  attachUsdt(
    program: number,
    path: string,
    provider: string,
    name: string,
    pid: number,
    cookie: bigint,
  ): NativeLink;
  attachPerfEvent(
    program: number,
    type: number,
    config: bigint,
    byFrequency: boolean,
    value: bigint,
    pid: number,
    cpu: number,
  ): NativeLink;
  attachCgroup(program: number, path: string): NativeLink;
  attachXdp(program: number, ifindex: number): NativeLink;
  attachTcx(program: number, ifindex: number): NativeLink;
}

/** What a reader calls its callback with; the numbers are those of the enum in src/cpp/event_reader.h. */
export type NativeReaderCallback = (
  kind: number,
  a: number | Buffer,
  records?: number,
  bytes?: number,
) => void;

/** The reader thread (src/cpp/event_reader.h). */
export interface NativeReader {
  start(callback: NativeReaderCallback): void;
  stop(): void;
  flush(id: number): void;
  stats(): {
    batches: bigint;
    records: bigint;
    bytes: bigint;
    waits: bigint;
    lost: bigint;
    threadCpuNs: bigint;
  };
}

/** What the kernel tells of a loaded program. */
export interface NativeProgramInfo {
  readonly id: number;
  readonly tag: string;
  readonly xlatedInstructions: number;
  readonly jitedBytes: number;
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  readonly recursionMisses: bigint;
  readonly verifiedInstructions: number;
}

/** Everything the addon exports. Arguments are not checked there: the classes of this package do that. */
export interface NativeAddon {
  setErrorFactory(factory: (operation: string, errno: number, log: string) => BpfError): void;
  readonly NativeObject: new (
    bytes: Uint8Array,
    name: string,
    btf: string | undefined,
  ) => NativeObject;
  readonly NativeReader: new (
    mapFds: readonly number[],
    slabs: readonly Uint8Array[],
    options: { activeMs: number; idleMs: number; perfBytes: number },
  ) => NativeReader;
  mapLookup(fd: number, key: Uint8Array, out: Uint8Array): boolean;
  mapLookupAndDelete(fd: number, key: Uint8Array | undefined, out: Uint8Array): boolean;
  mapUpdate(fd: number, key: Uint8Array | undefined, value: Uint8Array, flags: number): void;
  mapDelete(fd: number, key: Uint8Array): boolean;
  mapNextKey(fd: number, key: Uint8Array | undefined, out: Uint8Array): boolean;
  mapEntries(
    fd: number,
    keySize: number,
    valueBytes: number,
    maxEntries: number,
  ): { keys: Buffer; values: Buffer; count: number } | undefined;
  mapTypeId(name: string): number;
  mapCreate(
    type: number,
    name: string,
    keySize: number,
    valueSize: number,
    maxEntries: number,
    flags: number,
  ): number;
  closeFd(fd: number): void;
  programTypeId(name: string): number;
  programLoad(
    type: number,
    instructions: Uint8Array,
    license: string,
    name: string,
    logLevel: number,
    logBytes: number,
    expectedAttachType: number,
    attachBtfId: number,
  ): { fd: number; error: number; log: string };
  programInfo(fd: number): NativeProgramInfo;
  programTestRun(fd: number): number;
  enableStats(): number;
  monotonicNs(): bigint;
  possibleCpus(): number;
  probeProgramType(type: number): number;
  probeMapType(type: number): number;
  probeHelper(type: number, helper: number): number;
  openProbeEvent(perfType: number, config: number, target: string, offset: number): number;
  findBtfIds(names: readonly string[]): number[];
  attachOnce(fd: number): number;
  returnProbes(): string;
  uprobeMulti(): number;
  detachAll(links: readonly NativeLink[]): void;
}

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at first use: importing this package works on every operating system.
 * @throws BpfError `ERR_BPF_ADDON_MISSING`
 */
export function addon(): NativeAddon {
  loaded ??= loadAddon();
  return loaded;
}

function loadAddon(): NativeAddon {
  const operation = 'load the native addon';
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') {
    throw new BpfError('ERR_BPF_ADDON_MISSING', {
      operation,
      detail: `eBPF is part of Linux; this is ${platform}`,
    });
  }
  const path =
    process.env['LIBTRACE_NATIVE_ADDON'] ??
    fileURLToPath(new URL(`../prebuilds/${platform}/libtrace.node`, import.meta.url));
  if (!existsSync(path)) {
    throw new BpfError('ERR_BPF_ADDON_MISSING', {
      operation,
      detail: `there is none for ${platform} at ${path}`,
    });
  }
  try {
    const exports = createRequire(import.meta.url)(path) as NativeAddon;
    exports.setErrorFactory(errorFromErrno);
    return exports;
  } catch (cause) {
    const detail = `${path} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new BpfError('ERR_BPF_ADDON_MISSING', { operation, detail, cause });
  }
}
