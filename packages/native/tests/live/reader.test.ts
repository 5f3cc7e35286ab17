import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { BpfError, BpfObject, EventReader, createMap } from '../../src/index.js';
import type { EventReaderOptions } from '../../src/index.js';
import { bpf, liveDescribe, ownThread, u64 } from './setup.js';

const opened: BpfObject[] = [];
afterEach(() => {
  for (const object of opened.splice(0)) object.close();
});

function flood(
  tid: number,
  variables: Record<string, number | bigint> = {},
  ringBytes?: number,
): BpfObject {
  const object = BpfObject.open(bpf('flood'));
  opened.push(object);
  object.setVariable('target_tid', tid);
  for (const [name, value] of Object.entries(variables)) object.setVariable(name, value);
  if (ringBytes !== undefined) object.map('events').resize(ringBytes);
  object.load();
  return object;
}

function systemCalls(count: number): void {
  for (let i = 0; i < count; i++) statSync('/');
}

/** Goes through a slab as a consumer would, and says which numbers the records had. */
function numbers(slab: Buffer, records: number, bytes: number): number[] {
  const found: number[] = [];
  let at = 0;
  for (let i = 0; i < records; i++) {
    const length = slab.readUInt32LE(at);
    const number = slab.readBigUInt64LE(at + 8);
    if (slab.readBigUInt64LE(at + 16) !== (~number & 0xffff_ffff_ffff_ffffn))
      throw new Error(`torn record ${number}`);
    found.push(Number(number));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  expect(at).toBe(bytes);
  return found;
}

function collect(
  object: BpfObject,
  options: Partial<EventReaderOptions> = {},
): { reader: EventReader; seen: number[] } {
  const seen: number[] = [];
  const reader = new EventReader({
    maps: [object.map('events')],
    onBatch: (slab, records, bytes) => {
      for (const number of numbers(slab, records, bytes)) seen.push(number);
    },
    ...options,
  });
  return { reader, seen };
}

liveDescribe('the event reader', () => {
  it('delivers every record in order, and nothing else', async () => {
    const object = flood(ownThread(), {}, 4 << 20);
    const { reader, seen } = collect(object);
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(20_000);
    link.detach();
    await reader.flush();
    const total = u64(object.readVariable('seen'));
    expect(total).toBeGreaterThanOrEqual(20_000);
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
    expect(reader.stats()).toMatchObject({ records: BigInt(total), lost: 0n });
    expect(reader.stats().bytes).toBe(BigInt(total) * 16n);
    expect(reader.stats().threadCpuNs).toBeGreaterThan(0n);
    await reader.stop();
  });

  it('finds records without a wake-up, by time', async () => {
    const object = flood(ownThread(), { flags: 1n }); // BPF_RB_NO_WAKEUP
    const { reader, seen } = collect(object, { pollIdleMs: 20 });
    reader.start();
    await new Promise((wake) => setTimeout(wake, 60));
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(10);
    link.detach();
    const total = u64(object.readVariable('seen'));
    await new Promise((wake) => setTimeout(wake, 300));
    expect(seen).toHaveLength(total);
    await reader.stop();
  });

  it('accounts for every record when a 64 KiB ring is flooded', async () => {
    const object = flood(ownThread(), { per_call: 50, record_bytes: 4096 }, 64 * 1024);
    const { reader, seen } = collect(object, { slabBytes: 64 * 1024, slabs: 2 });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    for (let i = 0; i < 200; i++) {
      systemCalls(20);
      await new Promise((wake) => setImmediate(wake));
    }
    link.detach();
    await reader.stop();
    const total = u64(object.readVariable('seen'));
    const lost = u64(object.readVariable('lost'));
    expect(lost).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(1000);
    expect(seen.length + lost).toBe(total);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(reader.stats().waits).toBeGreaterThan(0n);
  });

  it('delivers records larger than a slab one by one, in their order', async () => {
    const object = flood(ownThread(), { record_bytes: 4096 }, 1 << 20);
    const { reader, seen } = collect(object, { slabBytes: 1024, slabs: 2 });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(100);
    link.detach();
    await reader.flush();
    const total = u64(object.readVariable('seen')) - u64(object.readVariable('lost'));
    expect(seen).toHaveLength(total);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    await reader.stop();
  });

  it('delivers what is left when it is stopped, and can be stopped again', async () => {
    const object = flood(ownThread(), { flags: 1n });
    const { reader, seen } = collect(object, { pollIdleMs: 60_000, pollIntervalMs: 60_000 });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(100);
    link.detach();
    await reader.stop();
    expect(seen).toHaveLength(u64(object.readVariable('seen')));
    await reader.stop();
    await reader.flush();
    expect(() => reader.start()).toThrow(BpfError);
  });

  it('resolves flushes in order, also while slabs are scarce', async () => {
    const object = flood(ownThread(), { flags: 1n }, 1 << 20);
    const { reader, seen } = collect(object, {
      slabBytes: 256,
      slabs: 1,
      pollIdleMs: 60_000,
      pollIntervalMs: 60_000,
    });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    const order: number[] = [];
    const flushes: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      systemCalls(50);
      const atLeast = u64(object.readVariable('seen'));
      flushes.push(reader.flush().then(() => order.push(seen.length >= atLeast ? i : -1)));
    }
    link.detach();
    await Promise.all(flushes);
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await reader.stop();
  });

  it('reads several rings at once, and goes on when the objects are closed', async () => {
    const objects = [flood(ownThread()), flood(ownThread())];
    const seen: number[] = [];
    const reader = new EventReader({
      maps: objects.map((object) => object.map('events')),
      onBatch: (slab, records, bytes) => seen.push(...numbers(slab, records, bytes)),
    });
    reader.start();
    const links = objects.map((object) =>
      object.program('on_syscall').attachRawTracepoint('sys_enter'),
    );
    systemCalls(100);
    for (const link of links) link.detach();
    const total = objects.reduce((sum, object) => sum + u64(object.readVariable('seen')), 0);
    for (const object of objects) object.close();
    await reader.stop();
    expect(seen).toHaveLength(total);
  });

  it('delivers by way of a perf event array', async () => {
    const object = BpfObject.open(bpf('perf'));
    opened.push(object);
    object.setVariable('target_tid', ownThread());
    object.load();
    const seen: number[] = [];
    const reader = new EventReader({
      maps: [object.map('events')],
      onBatch: (slab, records) => {
        let at = 0;
        for (let i = 0; i < records; i++) {
          const length = slab.readUInt32LE(at);
          expect(length).toBeGreaterThanOrEqual(24);
          expect(slab.readUInt32LE(at + 4)).toBe(Number(slab.readBigUInt64LE(at + 8 + 16)));
          seen.push(Number(slab.readBigUInt64LE(at + 8)));
          at += 8 + Math.ceil(length / 8) * 8;
        }
      },
    });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(1000);
    link.detach();
    await reader.flush();
    const total = u64(object.readVariable('seen'));
    expect(u64(object.readVariable('failed'))).toBe(0);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
    await reader.stop();
  });

  it('counts what a perf event array lost', async () => {
    const object = BpfObject.open(bpf('perf'));
    opened.push(object);
    object.setVariable('target_tid', ownThread());
    object.load();
    let records = 0;
    const reader = new EventReader({
      maps: [object.map('events')],
      perfBytesPerCpu: 4096,
      slabs: 1,
      slabBytes: 512,
      onBatch: (_slab, count) => (records += count),
    });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    systemCalls(5000);
    await reader.flush();
    systemCalls(10); // a record that arrives tells the kernel's count of the lost ones before it
    link.detach();
    await reader.stop();
    const total = u64(object.readVariable('seen'));
    const failed = u64(object.readVariable('failed'));
    expect(reader.stats().lost).toBeGreaterThan(0n);
    expect(records + failed).toBe(total);
    expect(Number(reader.stats().lost)).toBeLessThanOrEqual(failed);
  });

  it('costs next to nothing while nothing happens', async () => {
    const object = flood(0);
    const { reader } = collect(object);
    reader.start();
    await new Promise((wake) => setTimeout(wake, 1100));
    const before = reader.stats().threadCpuNs;
    await new Promise((wake) => setTimeout(wake, 1000));
    expect(Number(reader.stats().threadCpuNs - before) / 1e6).toBeLessThan(20); // milliseconds in a second
    await reader.stop();
  });

  it('survives a flood from another process while JavaScript is slow', async () => {
    const busy = spawn(process.execPath, [
      '-e',
      'process.stdin.once("data", () => { const end = Date.now() + 1000; const { statSync } = require("fs"); while (Date.now() < end) statSync("/"); process.exit(); });',
    ]);
    const object = flood(busy.pid!, { per_call: 10 }, 64 * 1024);
    const { reader, seen } = collect(object, { slabBytes: 16 * 1024, slabs: 2 });
    reader.start();
    const link = object.program('on_syscall').attachRawTracepoint('sys_enter');
    busy.stdin.write('go\n');
    const ended = new Promise((resolve) => busy.on('exit', resolve));
    const end = Date.now() + 800;
    while (Date.now() < end) {
      const pause = Date.now() + 20;
      while (Date.now() < pause);
      await new Promise((wake) => setImmediate(wake));
    }
    await ended;
    link.detach();
    await reader.stop();
    const total = u64(object.readVariable('seen'));
    expect(total).toBeGreaterThan(10_000);
    expect(seen.length + u64(object.readVariable('lost'))).toBe(total);
  });

  it('refuses maps it cannot read', () => {
    const map = createMap({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
    expect(() => new EventReader({ maps: [map], onBatch: () => undefined })).toThrow(
      /ring buffers/,
    );
    map.close();
    const ring = createMap({ type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 });
    ring.close();
    expect(() => new EventReader({ maps: [ring], onBatch: () => undefined })).toThrow(
      /ERR_BPF_CLOSED/,
    );
  });
});
