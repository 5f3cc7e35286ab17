import { readdirSync, statSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import {
  BpfError,
  BpfObject,
  RawProgram,
  createMap,
  enableRunTimeStats,
  features,
  monotonicNs,
  possibleCpus,
} from '../../src/index.js';
import type { LoadReport } from '../../src/index.js';
import { bpf, liveDescribe, ownThread, u64 } from './setup.js';

const opened: Disposable[] = [];
function open(name: string): BpfObject {
  const object = BpfObject.open(bpf(name));
  opened.push(object);
  return object;
}
afterEach(() => {
  for (const each of opened.splice(0)) each[Symbol.dispose]();
});

function key(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function loadedOf(report: LoadReport): Record<string, boolean> {
  return Object.fromEntries(report.programs.map((each) => [each.name, each.loaded]));
}

function systemCalls(count: number): void {
  for (let i = 0; i < count; i++) statSync('/');
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
  return 'none';
}

liveDescribe('variables and maps', () => {
  it('sets constants and initial values before load, reads and writes the rest after it', () => {
    const object = open('maps');
    object.setVariable('target_tid', ownThread());
    object.setVariable('constant', 1000n);
    object.setVariable('initialized', 20);
    expect(u64(object.readVariable('constant'))).toBe(1000);
    object.load();
    object.writeVariable('flag', true);
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(1);
    link.detach();
    const sum = u64(object.readVariable('sum'));
    expect(sum).toBeGreaterThan(0);
    expect(sum % 1021).toBe(0);
    expect(codeOf(() => object.writeVariable('constant', 1))).toBe('ERR_BPF_ALREADY_LOADED');
    expect(codeOf(() => object.setVariable('sum', 1))).toBe('ERR_BPF_ALREADY_LOADED');
  });

  it('does nothing in threads that are not the target', () => {
    const object = open('maps');
    object.load(); // target_tid stays 0: nobody
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(100);
    link.detach();
    expect(u64(object.readVariable('sum'))).toBe(0);
  });

  it('looks up, updates, deletes and lists the entries of a hash map', () => {
    const object = open('maps');
    object.load();
    const map = object.map('counts');
    expect([map.type, map.keySize, map.valueSize, map.maxEntries]).toEqual(['hash', 4, 8, 1024]);
    expect(map.lookup(key(1))).toBeUndefined();
    for (let i = 1; i <= 500; i++)
      map.update(key(i), Buffer.from(BigUint64Array.of(BigInt(i) * 3n).buffer));
    expect(u64(map.lookup(key(7))!)).toBe(21);
    expect(map.entries()).toHaveLength(500);
    for (const each of map.keys()) map.delete(each);
    expect([...map.keys()]).toEqual([]);
    expect(map.delete(key(1))).toBe(false);
    map.update(key(1), Buffer.alloc(8), 'noexist');
    expect(codeOf(() => map.update(key(1), Buffer.alloc(8), 'noexist'))).toBe('ERR_BPF_EXISTS');
    expect(codeOf(() => map.update(key(2), Buffer.alloc(8), 'exist'))).toBe('ERR_BPF_NOT_FOUND');
    expect(codeOf(() => map.lookup(Buffer.alloc(3)))).toBe('ERR_BPF_INVALID_ARGUMENT');
    expect(map.memoryBytes()).toBeGreaterThan(4096);
  });

  it('lists 10,000 keys once each, and lets them be deleted meanwhile', () => {
    const map = createMap({
      type: 'hash',
      name: 'churn',
      keySize: 4,
      valueSize: 4,
      maxEntries: 20_000,
    });
    for (let i = 0; i < 10_000; i++) map.update(key(i), key(i));
    const found = [...map.keys()].map((each) => each.readUInt32LE());
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    for (const each of map.keys()) map.delete(each);
    expect(map.entries()).toEqual([]);
    map.close();
  });

  it('returns the values of all CPUs of a per-CPU map', () => {
    const object = open('maps');
    object.setVariable('target_tid', ownThread());
    object.load();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(10);
    link.detach();
    const values = object.map('per_cpu').lookup(key(0))!;
    expect(values).toHaveLength(8 * possibleCpus());
    let total = 0;
    for (let at = 0; at < values.length; at += 8) total += values.readUInt32LE(at);
    expect(total).toBeGreaterThanOrEqual(10);
    object.map('per_cpu').update(key(1), Buffer.alloc(values.length, 1));
    expect(object.map('per_cpu').lookup(key(1))!.readUInt32LE()).toBe(0x01010101);
    expect(object.map('queue').take()?.readUInt32LE()).toBe(0);
  });

  it('resizes maps and leaves maps out, before load only', () => {
    const object = open('flood');
    object.map('events').resize(64 * 1024);
    object.load();
    expect(object.map('events').maxEntries).toBe(64 * 1024);
    expect(codeOf(() => object.map('events').resize(4096))).toBe('ERR_BPF_ALREADY_LOADED');
    const without = open('maps');
    without.setVariable('target_tid', 1);
    without.map('queue').setAutocreate(false);
    const report = without.load();
    expect(report.programs[0]).toMatchObject({
      loaded: false,
      error: { code: 'ERR_BPF_VERIFIER' },
    });
    expect(codeOf(() => without.map('queue').fd)).toBe('ERR_BPF_NOT_LOADED');
  });

  it('names the map that cannot be made', () => {
    const object = open('maps');
    object.map('counts').resize(0xffffffff);
    expect(() => object.load()).toThrow(/create map counts of object maps/);
    object.map('counts').resize(64);
    expect(object.load().programs[0]?.loaded).toBe(true); // and can be tried again
  });
});

liveDescribe('loading program by program', () => {
  it('loads the others when some fail, with their settings, and leaves their slots empty', () => {
    const object = open('failing');
    object.setVariable('target_tid', ownThread());
    object.setVariable('step', 5n);
    const report = object.load({ verifierStats: true });
    const by = Object.fromEntries(report.programs.map((each) => [each.name, each]));
    expect(by['first']).toMatchObject({ loaded: true });
    expect(by['last']).toMatchObject({ loaded: true });
    expect(by['first']?.processed).toBeGreaterThan(5);
    expect(by['first']?.milliseconds).toBeGreaterThanOrEqual(0);
    expect(by['optional']).toEqual({
      name: 'optional',
      loaded: false,
      skipped: true,
      instructions: 2,
    });
    expect(by['rejected']).toMatchObject({ loaded: false, error: { code: 'ERR_BPF_VERIFIER' } });
    expect(by['rejected']?.error?.message).toMatch(/invalid mem access/);
    expect(by['rejected']?.error?.log).toMatch(/call bpf_ktime_get_ns[\s\S]*invalid mem access/);
    expect(by['no_such_field']).toMatchObject({
      loaded: false,
      error: { code: 'ERR_BPF_VERIFIER' },
    });
    expect(by['no_such_field']?.error?.log).toMatch(/libtrace_test_has_no_such_field/);

    expect(codeOf(() => object.program('rejected').fd)).toBe('ERR_BPF_NOT_LOADED');
    expect(codeOf(() => object.program('rejected').attachRawTracepoint('sys_enter'))).toBe(
      'ERR_BPF_NOT_LOADED',
    );
    const link = object.program('first').attachRawTracepoint('sys_enter');
    systemCalls(10);
    link.detach();
    const runs = u64(object.readVariable('first_runs'));
    expect(runs).toBeGreaterThanOrEqual(50);
    expect(u64(object.readVariable('last_runs'))).toBe(runs); // slot 0 is empty, slot 1 is not
  });

  it('gives the same report without statistics', () => {
    const report = open('failing').load();
    expect(loadedOf(report)).toEqual({
      first: true,
      rejected: false,
      no_such_field: false,
      last: true,
      optional: false,
    });
    const rejected = report.programs.find((each) => each.name === 'rejected');
    expect(rejected?.error?.log).toMatch(/invalid mem access/);
  });

  it('loads optional programs when asked, and leaves out others', () => {
    const object = open('failing');
    for (const name of ['first', 'rejected', 'no_such_field'])
      object.program(name).autoload = false;
    object.program('optional').autoload = true;
    expect(loadedOf(object.load())).toMatchObject({ first: false, last: true, optional: true });
    expect(object.program('last').info()).toMatchObject({
      tag: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });
});

liveDescribe('raw programs', () => {
  const two = (a: readonly number[], b: readonly number[]): Buffer => Buffer.from([...a, ...b]);

  it('run in a PROG_ARRAY slot, reached by a tail call', () => {
    const object = open('tail-call');
    object.setVariable('target_tid', ownThread());
    object.load();
    const count = createMap({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
    opened.push(count);
    // r1 = &count[0] (map value needs a lookup): r2 = fp - 4; *r2 = 0; r0 = lookup; if r0 == 0 exit; *r0 += 1; exit
    const program = RawProgram.load({
      type: 'raw_tracepoint',
      name: 'counting',
      license: 'GPL',
      maps: [{ index: 3, map: count }],
      instructions: Buffer.from(
        [
          [0x62, 0x0a, 0xfc, 0xff, 0, 0, 0, 0], // *(u32 *)(r10 - 4) = 0
          [0xbf, 0xa2, 0, 0, 0, 0, 0, 0], // r2 = r10
          [0x07, 0x02, 0, 0, 0xfc, 0xff, 0xff, 0xff], // r2 += -4
          [0x18, 0x01, 0, 0, 0, 0, 0, 0], // r1 = map
          [0, 0, 0, 0, 0, 0, 0, 0],
          [0x85, 0, 0, 0, 1, 0, 0, 0], // r0 = bpf_map_lookup_elem(r1, r2)
          [0x15, 0, 2, 0, 0, 0, 0, 0], // if r0 == 0 goto + 2
          [0xb7, 0x01, 0, 0, 1, 0, 0, 0], // r1 = 1
          [0xdb, 0x10, 0, 0, 0, 0, 0, 0], // lock *(u64 *)(r0 + 0) += r1
          [0xb7, 0, 0, 0, 0, 0, 0, 0], // r0 = 0
          [0x95, 0, 0, 0, 0, 0, 0, 0], // exit
        ].flat(),
      ),
    });
    object.map('steps').setProgram(0, program);
    program.close(); // the slot keeps it
    program.close();
    const link = object.program('enter').attachRawTracepoint('sys_enter');
    systemCalls(50);
    link.detach();
    const entered = u64(object.readVariable('entered'));
    expect(entered).toBeGreaterThanOrEqual(50);
    expect(u64(object.readVariable('fell_through'))).toBe(0);
    expect(u64(count.lookup(key(0))!)).toBe(entered);
    expect(codeOf(() => program.fd)).toBe('ERR_BPF_CLOSED');
  });

  it('can be run once, for a test, where their type allows it', () => {
    const instructions = two([0xb7, 0, 0, 0, 42, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]); // r0 = 42; exit
    const program = RawProgram.load({ type: 'raw_tracepoint', license: 'GPL', instructions });
    expect(program.testRun()).toBe(42);
    program.close();
    expect(codeOf(() => program.testRun())).toBe('ERR_BPF_CLOSED');
    const other = RawProgram.load({ type: 'tracepoint', license: 'GPL', instructions });
    expect(codeOf(() => other.testRun())).toBe('ERR_BPF_NOT_SUPPORTED');
    other.close();
  });

  it('give the verifier’s reason when they are rejected', () => {
    const instructions = two([0xb7, 2, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]); // r2 = 0; exit
    try {
      RawProgram.load({ type: 'raw_tracepoint', license: 'GPL', instructions });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'ERR_BPF_VERIFIER',
        message: expect.stringContaining('R0 !read_ok'),
      });
    }
    expect(codeOf(() => RawProgram.load({ type: 'nonsense', license: 'GPL', instructions }))).toBe(
      'ERR_BPF_INVALID_ARGUMENT',
    );
  });
});

liveDescribe('handles', () => {
  it('can be closed twice, and say so when they are used afterwards', () => {
    const object = BpfObject.open(bpf('flood'));
    object.load();
    const program = object.program('on_syscall');
    const link = program.attachRawTracepoint('sys_enter');
    expect(link.attached).toBe(true);
    object.close();
    object.close();
    expect(link.attached).toBe(false);
    link.detach();
    link.detach();
    expect(codeOf(() => program.fd)).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => program.info())).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => program.attachRawTracepoint('sys_enter'))).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => object.map('events').fd)).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => object.map('events').lookup(Buffer.alloc(0)))).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => object.readVariable('seen'))).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => object.writeVariable('seen', 1))).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => object.setVariable('seen', 1))).toBe('ERR_BPF_CLOSED');
    expect(codeOf(() => object.load())).toBe('ERR_BPF_CLOSED');
    expect(program.loaded).toBe(false);
    const map = createMap({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
    map.close();
    map.close();
    expect(codeOf(() => map.lookup(key(0)))).toBe('ERR_BPF_CLOSED');
  });

  it('leak no descriptor in 1,000 attachments, nor in 100 objects', () => {
    const object = BpfObject.open(bpf('flood'));
    object.load();
    const count = (): number => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 1000; i++)
      object.program('on_syscall').attachRawTracepoint('sys_enter').detach();
    expect(count()).toBe(before);
    object.close();
    const without = count();
    for (let i = 0; i < 100; i++) {
      const each = BpfObject.open(bpf('failing'));
      each.load();
      each.program('first').attachRawTracepoint('sys_enter');
      each.close();
    }
    expect(count()).toBe(without);
  });

  it('load once only', () => {
    const object = open('maps');
    object.load();
    expect(codeOf(() => object.load())).toBe('ERR_BPF_ALREADY_LOADED');
  });
});

liveDescribe('the system', () => {
  it('counts runs while statistics are on', () => {
    const object = open('flood');
    object.load();
    using _statistics = enableRunTimeStats();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(100);
    link.detach();
    const { runCount, runTimeNs } = object.program('on_syscall').info();
    expect(runCount).toBeGreaterThanOrEqual(100n);
    expect(runTimeNs).toBeGreaterThan(0n);
  });

  it('tells monotonic time', () => {
    const a = monotonicNs();
    expect(monotonicNs()).toBeGreaterThanOrEqual(a);
    expect(Math.abs(Number(a) - Number(process.hrtime.bigint()))).toBeLessThan(1e9);
  });

  it('finds features by trying, with reasons for what is missing', () => {
    const found = features();
    expect(found.rawTracepoint).toBe(true);
    expect(found.tracefs).toBe(true);
    for (const [name, value] of Object.entries(found)) {
      if (value === false) expect(found.reasons[name as 'kprobe'], name).toMatch(/\w{3}/);
    }
  });
});
