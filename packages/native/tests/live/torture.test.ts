import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bpf, liveDescribe, runModule, temporaryFolder } from './setup.js';
import { addonPath } from '../../../../scripts/build-native.mjs';

const FLOOD = `
import { readdirSync, readlinkSync, statSync } from 'node:fs';
const tid = () => Number(readlinkSync('/proc/thread-self').split('/').at(-1));
const flood = () => {
  const object = native.BpfObject.open(bpf('flood'));
  object.setVariable('target_tid', tid());
  object.load();
  return object;
};
const calls = (count) => { for (let i = 0; i < count; i++) statSync('/'); };
const attach = (object) => object.program('on_syscall').attachRawTracepoint('sys_enter');
`;

/** The child ended by itself with code 0, and said so. */
function expectFine(result: {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}): void {
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(result.stdout.trim().split('\n').at(-1)).toBe('fine');
}

liveDescribe('torture', () => {
  it('survives hundreds of broken object files', async () => {
    const body = `
import { readFileSync } from 'node:fs';
let opened = 0, refused = 0;
const attempt = (bytes) => {
  try {
    const object = native.BpfObject.open(bytes, { name: 'broken' });
    opened++;
    object.variables.length;
    try { object.load(); } catch (error) { if (!(error instanceof native.BpfError)) throw error; }
    object.close();
  } catch (error) {
    if (!(error instanceof native.BpfError)) throw error;
    refused++;
  }
};
let state = 12345;
const random = (below) => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8) % below;
for (const name of ['flood', 'failing', 'usdt']) {
  const whole = readFileSync(bpf(name));
  for (let i = 0; i < 150; i++) attempt(whole.subarray(0, Math.floor((whole.length * i) / 150)));
  for (let i = 0; i < 300; i++) {
    const copy = Buffer.from(whole);
    for (let j = 1 + random(8); j > 0; j--) copy[random(copy.length)] = random(256);
    attempt(copy);
  }
  for (let i = 0; i < 200; i++) {
    const copy = Buffer.from(whole); // the headers are what everything else hangs on
    const table = Number(whole.readBigUInt64LE(40));
    copy[random(2) ? random(64) : table + random(whole.length - table)] = random(256);
    attempt(copy);
  }
}
const huge = readFileSync(bpf('usdt')); // BTF: INT '_Bool' of size 1 with encoding BOOL gets a size of 0xe0000001
huge[huge.indexOf(Buffer.from('000000010100000008000004', 'hex')) + 7] = 0xe0;
attempt(huge);
for (let i = 0; i < 100; i++) attempt(Buffer.from(Array.from({ length: random(2000) }, () => random(256))));
if (opened < 50 || refused < 200) throw new Error(opened + ' ' + refused);
console.log('fine');
`;
    expectFine(await runModule(body));
  });

  it('says what is missing when it has no rights', async () => {
    const folder = temporaryFolder();
    try {
      chmodSync(folder, 0o755);
      const addon = join(folder, 'addon.node');
      copyFileSync(addonPath(), addon);
      const object = join(folder, 'object.o');
      copyFileSync(bpf('flood'), object);
      const body = `
const codes = [];
const attempt = (action) => { try { action(); codes.push('none'); } catch (error) { codes.push(error.code, typeof error.remedy); } };
const object = native.BpfObject.open(${JSON.stringify(object)});
attempt(() => object.load());
attempt(() => native.createMap({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 }));
attempt(() => native.enableRunTimeStats());
const { rawTracepoint, ringBuffer, probeReadUser, reasons } = native.features();
codes.push(rawTracepoint, ringBuffer, probeReadUser, typeof reasons.rawTracepoint);
object.close();
console.log(JSON.stringify(codes));
`;
      const result = await runModule(body, { addon, asNobody: true });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(result.stdout)).toEqual([
        'ERR_BPF_PERMISSION',
        'string',
        'ERR_BPF_PERMISSION',
        'string',
        'ERR_BPF_PERMISSION',
        'string',
        false,
        false,
        false,
        'string',
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('detaches what nothing refers to any more, and leaks nothing', async () => {
    const body = `${FLOOD}
const count = () => readdirSync('/proc/self/fd').length;
const collect = async () => { for (let i = 0; i < 5; i++) { global.gc(); await new Promise((wake) => setTimeout(wake, 5)); } };
await collect();
const before = count();
for (let i = 0; i < 20; i++) (() => { const object = flood(); attach(object); calls(1); native.createMap({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 }); new native.EventReader({ maps: [object.map('events')], onBatch: () => {} }); })();
if (count() <= before) throw new Error('nothing was open');
await collect();
if (count() !== before) throw new Error('leaked ' + (count() - before));
const link = attach(flood()); // the object is only reachable through its link
await collect();
if (!link.attached) throw new Error('detached too early');
console.log('fine');
`;
    expectFine(await runModule(body, { node: ['--expose-gc'] }));
  });

  it('keeps a running reader from being collected', async () => {
    const body = `${FLOOD}
let records = 0;
let object = flood();
const link = attach(object);
const start = () => { new native.EventReader({ maps: [object.map('events')], onBatch: (_slab, count) => { records += count; } }).start(); };
start();
for (let i = 0; i < 10; i++) { global.gc(); calls(10); await new Promise((wake) => setTimeout(wake, 10)); }
if (records < 100) throw new Error('only ' + records);
console.log('fine');
process.exit(0);
`;
    expectFine(await runModule(body, { node: ['--expose-gc'] }));
  });

  it('exits in the middle of reading', async () => {
    const body = `${FLOOD}
const object = flood();
attach(object);
const reader = new native.EventReader({ maps: [object.map('events')], slabBytes: 256, slabs: 2, onBatch: () => {} });
reader.start();
setTimeout(() => { calls(1000); console.log('fine'); process.exit(0); }, 50);
`;
    for (let i = 0; i < 3; i++) expectFine(await runModule(body));
  });

  it('exits from within a batch, and when JavaScript holds all slabs', async () => {
    const body = `${FLOOD}
const object = flood();
attach(object);
const reader = new native.EventReader({ maps: [object.map('events')], slabBytes: 128, slabs: 1, onBatch: () => { calls(100); console.log('fine'); process.exit(0); } });
reader.start();
calls(100);
`;
    expectFine(await runModule(body));
  });

  it('keeps the process alive only until it is stopped', async () => {
    const body = `${FLOOD}
const object = flood();
const reader = new native.EventReader({ maps: [object.map('events')], onBatch: () => {} });
reader.start();
const began = Date.now();
setTimeout(() => reader.stop(), 300).unref();
process.on('exit', () => console.log(Date.now() - began > 250 ? 'fine' : 'too early'));
`;
    expectFine(await runModule(body));
  });

  it('reports an exception of the callback as an uncaught one, and goes on', async () => {
    const body = `${FLOOD}
let caught = 0, batches = 0;
process.on('uncaughtException', (error) => { if (error.message === 'mine') caught++; });
const object = flood();
const link = attach(object);
const reader = new native.EventReader({ maps: [object.map('events')], slabs: 2, onBatch: () => { batches++; throw new Error('mine'); } });
reader.start();
for (let i = 0; i < 20; i++) { calls(10); await reader.flush(); }
link.detach();
await reader.stop();
if (batches < 20 || caught !== batches) throw new Error(caught + ' of ' + batches);
console.log('fine');
`;
    expectFine(await runModule(body));
  });

  it('dies of an exception nobody catches, as any program does', async () => {
    const body = `${FLOOD}
const object = flood();
attach(object);
const reader = new native.EventReader({ maps: [object.map('events')], onBatch: () => { throw new Error('mine'); } });
reader.start();
calls(10);
`;
    const result = await runModule(body);
    expect(result).toMatchObject({ code: 1, signal: null });
    expect(result.stderr).toMatch(/Error: mine/);
  });

  it('works in worker threads, and survives their being terminated while they read', async () => {
    const body = `${FLOOD}
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
if (isMainThread) {
  for (let round = 0; round < 8; round++) {
    const workers = [0, 1].map(() => new Worker(fileURLToPath(import.meta.url), { workerData: round }));
    await Promise.all(workers.map((worker) => new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); })));
    await new Promise((wake) => setTimeout(wake, round * 3));
    const codes = await Promise.all(workers.map((worker) => worker.terminate()));
  }
  const object = flood();
  object.close();
  if (readdirSync('/proc/self/task').length > 20) throw new Error('threads are left');
  if (readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } }).some((each) => each.includes('bpf'))) throw new Error('descriptors are left');
  console.log('fine');
} else {
  const object = flood();
  const link = attach(object);
  let said = false;
  const reader = new native.EventReader({ maps: [object.map('events')], slabBytes: 1024, slabs: 2, onBatch: () => { if (!said) parentPort.postMessage('reading'); said = true; } });
  reader.start();
  const again = () => { calls(200); setImmediate(again); };
  if (workerData % 2) again(); else { calls(100); const wait = () => { calls(1); setTimeout(wait, 1); }; wait(); }
}
`;
    expectFine(await runModule(body));
  });

  it('leaves nothing in the kernel when it is killed', async () => {
    const body = `${FLOOD}
const object = flood();
attach(object);
console.log(object.program('on_syscall').info().id);
process.kill(process.pid, 'SIGKILL');
`;
    const result = await runModule(body);
    expect(result.signal).toBe('SIGKILL');
    await new Promise((wake) => setTimeout(wake, 300));
    const programs = JSON.parse(
      execFileSync('bpftool', ['-j', 'prog', 'list'], { encoding: 'utf8' }),
    ) as { id: number }[];
    expect(Number(result.stdout)).toBeGreaterThan(0);
    expect(programs.map((each) => each.id)).not.toContain(Number(result.stdout));
  });
});
