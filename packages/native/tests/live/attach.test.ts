import { execFileSync, spawn } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BpfError, BpfObject, features } from '../../src/index.js';
import { bpf, finished, isRoot, liveDescribe, ownThread, temporaryFolder, u64 } from './setup.js';

const folder = temporaryFolder();
const program = join(folder, 'target');
const opened: BpfObject[] = [];

/** Waits for a byte, then calls `work(41)` and passes a USDT probe 7 times. */
const SOURCE = `
#include <unistd.h>
__attribute__((noinline)) int work(int value) { __asm__ volatile("" : "+r"(value)); return value + 1; }
static void probe(long value)
{
	__asm__ volatile("990: nop\\n"
		".pushsection .note.stapsdt,\\"\\",\\"note\\"\\n"
		".balign 4\\n"
		".4byte 992f-991f, 994f-993f, 3\\n"
		"991: .asciz \\"stapsdt\\"\\n"
		"992: .balign 4\\n"
		"993: .8byte 990b\\n"
		".8byte _.stapsdt.base\\n"
		".8byte 0\\n"
		".asciz \\"libtrace\\"\\n"
		".asciz \\"step\\"\\n"
		".asciz \\"-8@%0\\"\\n"
		"994: .balign 4\\n"
		".popsection\\n" : : "r"(value));
}
__asm__(".pushsection .stapsdt.base,\\"aG\\",\\"progbits\\",.stapsdt.base,comdat\\n"
	".weak _.stapsdt.base\\n.hidden _.stapsdt.base\\n"
	"_.stapsdt.base: .space 1\\n.size _.stapsdt.base, 1\\n.popsection\\n");
int main(void)
{
	char byte;
	if (read(0, &byte, 1) != 1)
		return 1;
	for (int i = 0; i < 7; i++) {
		work(41);
		probe(1000 + i);
	}
	return 0;
}
`;

function offsetOf(symbol: string): bigint {
  const row = execFileSync('nm', [program], { encoding: 'utf8' })
    .split('\n')
    .find((line) => line.endsWith(` T ${symbol}`));
  return BigInt(`0x${row?.split(' ')[0] ?? ''}`); // not position independent from zero: address = offset
}

beforeAll(() => {
  if (!isRoot) return;
  writeFileSync(`${program}.c`, SOURCE);
  execFileSync('gcc', ['-O1', '-pie', '-fPIE', '-o', program, `${program}.c`]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const object of opened.splice(0)) object.close();
});

function open(name: string, tid: number): BpfObject {
  const object = BpfObject.open(bpf(name));
  opened.push(object);
  object.setVariable('target_tid', tid);
  object.load();
  return object;
}

/** Starts the target, lets `attach` prepare, and runs the target to its end. */
async function traceTarget(
  name: string,
  attach: (object: BpfObject, pid: number) => void,
): Promise<BpfObject> {
  const child = spawn(program, { stdio: ['pipe', 'ignore', 'inherit'] });
  const end = finished(child);
  const object = open(name, child.pid!);
  attach(object, child.pid!);
  child.stdin!.end('x');
  expect((await end).code).toBe(0);
  return object;
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

liveDescribe('attaching', () => {
  it('runs programs at raw tracepoints, tracepoints and tracepoints with types', () => {
    const object = open('attach', ownThread());
    const links = [
      object.program('on_raw').attachRawTracepoint('sys_enter'),
      object
        .program('on_tracepoint')
        .attachTracepoint('raw_syscalls', 'sys_enter', { cookie: 77n }),
      object.program('on_btf').attachTpBtf(),
    ];
    for (let i = 0; i < 100; i++) statSync('/');
    for (const link of links) link.detach();
    for (const name of ['raw_runs', 'tracepoint_runs', 'btf_runs']) {
      expect(u64(object.readVariable(name)), name).toBeGreaterThanOrEqual(100);
    }
    expect(u64(object.readVariable('tracepoint_cookie'))).toBe(77);
    const after = u64(object.readVariable('raw_runs'));
    statSync('/');
    expect(u64(object.readVariable('raw_runs'))).toBe(after);
  });

  it('runs programs at a function of a program file and at its return', async () => {
    const offset = offsetOf('work');
    const object = await traceTarget('attach', (each, pid) => {
      each.program('on_uprobe').attachUprobe({ path: program, offset });
      each.program('on_uretprobe').attachUprobe({ path: program, offset, retprobe: true, pid });
    });
    expect(u64(object.readVariable('uprobe_runs'))).toBe(7);
    expect(u64(object.readVariable('uprobe_argument')) & 0xffffffff).toBe(41);
    expect(u64(object.readVariable('uretprobe_runs'))).toBe(7);
    expect(u64(object.readVariable('uretprobe_value')) & 0xffffffff).toBe(42);
  });

  it('runs programs at a USDT probe, with its argument and a cookie', async () => {
    const object = await traceTarget('usdt', (each) => {
      each
        .program('on_probe')
        .attachUsdt({ path: program, provider: 'libtrace', name: 'step', cookie: 5n });
    });
    expect(u64(object.readVariable('runs'))).toBe(7);
    expect(u64(object.readVariable('argument'))).toBe(1006);
    expect(u64(object.readVariable('cookie'))).toBe(5);
  });

  it('closes an object with a USDT link attached, and lets the link be detached afterwards', async () => {
    const object = BpfObject.open(bpf('usdt'));
    object.load();
    const link = object
      .program('on_probe')
      .attachUsdt({ path: program, provider: 'libtrace', name: 'step' });
    object.close();
    link.detach();
    expect(link.attached).toBe(false);
  });

  it('runs a program by a clock', () => {
    const object = open('attach', ownThread());
    const link = object
      .program('on_clock')
      .attachPerfEvent({ type: 'software-cpu-clock', hz: 1000, pid: ownThread() });
    const end = Date.now() + 200;
    while (Date.now() < end);
    link.detach();
    expect(u64(object.readVariable('clock_runs'))).toBeGreaterThan(20);
  });

  it('says what is wrong with a place', () => {
    const object = open('attach', 0);
    expect(codeOf(() => object.program('on_raw').attachRawTracepoint('no_such_event'))).toBe(
      'ERR_BPF_NOT_FOUND',
    );
    expect(codeOf(() => object.program('on_tracepoint').attachTracepoint('sched', 'no_such'))).toBe(
      'ERR_BPF_NOT_FOUND',
    );
    expect(
      codeOf(() => object.program('on_uprobe').attachUprobe({ path: '/no/file', offset: 0n })),
    ).toBe('ERR_BPF_NOT_FOUND');
    expect(codeOf(() => object.program('on_raw').attachCgroup('/no/folder'))).toBe(
      'ERR_BPF_NOT_FOUND',
    );
    const usdt = open('usdt', 0).program('on_probe');
    expect(
      codeOf(() => usdt.attachUsdt({ path: program, provider: 'libtrace', name: 'no_such' })),
    ).toBe('ERR_BPF_NOT_FOUND');
    expect(codeOf(() => object.program('on_raw').attachXdp(1))).not.toBe('none'); // not an XDP program
    if (!features().kprobe) {
      expect(codeOf(() => object.program('on_kprobe').attachKprobe('vfs_read'))).toBe(
        'ERR_BPF_NOT_FOUND',
      );
    }
  });
});
