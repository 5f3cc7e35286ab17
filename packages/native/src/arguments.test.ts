import { describe, expect, it } from 'vitest';
import {
  BpfError,
  BpfObject,
  EventReader,
  RawProgram,
  createMap,
  probeHelper,
  probeMapType,
} from './index.js';
import { perfEventArguments } from './perf-events.js';
import { encodeVariable } from './variable-encoding.js';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
  return 'none';
}

const WRONG = 'ERR_BPF_INVALID_ARGUMENT';

describe('arguments are checked before anything native is called', () => {
  it('of objects', () => {
    expect(codeOf(() => BpfObject.open(5 as never))).toBe(WRONG);
    expect(codeOf(() => BpfObject.open(''))).toBe(WRONG);
    expect(codeOf(() => BpfObject.open('a\0b'))).toBe(WRONG);
    expect(codeOf(() => BpfObject.open(new Uint8Array(1), { name: '' }))).toBe(WRONG);
    expect(codeOf(() => BpfObject.open('/no/such/file.bpf.o'))).toBe('ERR_BPF_NOT_FOUND');
    expect(codeOf(() => BpfObject.open('/proc'))).toBe('ERR_BPF_FAILED');
  });

  it('of maps', () => {
    const good = { type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 };
    expect(codeOf(() => createMap({ ...good, type: '' }))).toBe(WRONG);
    expect(codeOf(() => createMap({ ...good, keySize: -1 }))).toBe(WRONG);
    expect(codeOf(() => createMap({ ...good, valueSize: 1.5 }))).toBe(WRONG);
    expect(codeOf(() => createMap({ ...good, maxEntries: 2 ** 32 }))).toBe(WRONG);
    expect(codeOf(() => createMap({ ...good, flags: '1' as never }))).toBe(WRONG);
  });

  it('of raw programs', () => {
    const good = { type: 'tracepoint', license: 'GPL', instructions: new Uint8Array(16) };
    expect(codeOf(() => RawProgram.load({ ...good, instructions: new Uint8Array(0) }))).toBe(WRONG);
    expect(codeOf(() => RawProgram.load({ ...good, instructions: new Uint8Array(12) }))).toBe(
      WRONG,
    );
    expect(codeOf(() => RawProgram.load({ ...good, instructions: 'r0' as never }))).toBe(WRONG);
    expect(codeOf(() => RawProgram.load({ ...good, license: '' }))).toBe(WRONG);
    expect(codeOf(() => RawProgram.load({ ...good, logLevel: 99 }))).toBe(WRONG);
    const notALoad = [{ index: 0, map: {} as never }];
    expect(codeOf(() => RawProgram.load({ ...good, maps: notALoad }))).toBe(WRONG);
    expect(codeOf(() => RawProgram.load({ ...good, maps: [{ index: 1, map: {} as never }] }))).toBe(
      WRONG,
    );
  });

  it('of readers', () => {
    const onBatch = (): void => undefined;
    expect(codeOf(() => new EventReader({ maps: [], onBatch }))).toBe(WRONG);
    expect(codeOf(() => new EventReader({ maps: [{} as never], onBatch }))).toBe(WRONG);
    expect(codeOf(() => new EventReader({ maps: [], onBatch: 1 as never }))).toBe(WRONG);
    expect(codeOf(() => new EventReader({ maps: [], onBatch, slabs: 0 }))).toBe(WRONG);
    expect(codeOf(() => new EventReader({ maps: [], onBatch, perfBytesPerCpu: 5000 }))).toBe(WRONG);
  });

  it('of probes', () => {
    expect(codeOf(() => probeMapType(''))).toBe(WRONG);
    expect(codeOf(() => probeHelper(7 as never, 1))).toBe(WRONG);
  });

  it('of perf events', () => {
    const check = (options: object): string =>
      codeOf(() => perfEventArguments('attach', options as never));
    expect(check({ type: 'toString', hz: 1, pid: 0 })).toBe(WRONG);
    expect(check({ type: 'software-cpu-clock', pid: 0 })).toBe(WRONG);
    expect(check({ type: 'software-cpu-clock', pid: 0, hz: 1, period: 1n })).toBe(WRONG);
    expect(check({ type: 'software-cpu-clock', hz: 1 })).toBe(WRONG);
    expect(check({ type: 'software-cpu-clock', hz: 0, cpu: 0 })).toBe(WRONG);
    expect(
      perfEventArguments('attach', { type: 'software-page-faults', period: 5, pid: 3 }),
    ).toEqual({
      type: 1,
      config: 2n,
      byFrequency: false,
      value: 5n,
      pid: 3,
      cpu: -1,
    });
  });
});

describe('values of variables', () => {
  const encode = (value: number | bigint | boolean | Uint8Array, size: number): string =>
    Buffer.from(encodeVariable('set variable v', value, size)).toString('hex');

  it('are little endian numbers of the variable’s size', () => {
    expect(encode(1, 1)).toBe('01');
    expect(encode(0x1234, 2)).toBe('3412');
    expect(encode(-1, 4)).toBe('ffffffff');
    expect(encode(0xffffffff, 4)).toBe('ffffffff');
    expect(encode(1n << 63n, 8)).toBe('0000000000000080');
    expect(encode(true, 1)).toBe('01');
    expect(encode(Buffer.from('ab'), 4)).toBe('61620000');
  });

  it('must fit', () => {
    expect(codeOf(() => encode(256, 1))).toBe(WRONG);
    expect(codeOf(() => encode(-129, 1))).toBe(WRONG);
    expect(codeOf(() => encode(1n << 64n, 8))).toBe(WRONG);
    expect(codeOf(() => encode(1.5, 4))).toBe(WRONG);
    expect(codeOf(() => encode(1, 3))).toBe(WRONG);
    expect(codeOf(() => encode(Buffer.alloc(5), 4))).toBe(WRONG);
    expect(codeOf(() => encode(null as never, 4))).toBe(WRONG);
  });
});
