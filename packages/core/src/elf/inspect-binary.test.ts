// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeSpec, UprobePlugin } from '../plugin/uprobe.js';
import { compile, shopSource } from './compiled.test-support.js';
import { inspectBinary } from './inspect-binary.js';

let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'libtrace-elf-'));
  path = join(directory, 'libshop.so');
  writeFileSync(path, compile(shopSource, ['-shared', '-fPIC', '-nostdlib', '-O2']));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A source that is asked about every file. */
function source(inspect: UprobePlugin['inspect'], wants = true): UprobePlugin {
  const bpf = { url: new URL('file:///none') };
  return { kind: 'uprobe', apiVersion: 1, name: 'shop', bpf, wants: () => wants, inspect };
}

/** A source that wants these probes. */
const planning = (...probes: readonly ProbeSpec[]) =>
  source(() => ({ probes, summary: 'a shop', details: ['two counters'] }));

const missing = { name: 'gone', address: 0x7fff0000, size: 10 };

describe('what sources make of a file', () => {
  it('is told with every place, and nothing is attached', () => {
    const [status, ...others] = inspectBinary(path, [
      source((image) => ({
        summary: 'a shop',
        probes: [
          { program: 'enter', function: image.symbol('exported')!, when: 'entry' },
          {
            program: 'leave',
            function: image.symbol('exported')!,
            when: 'return',
            returns: 'sites',
          },
          {
            program: 'sold',
            fileOffset: image.usdt('shop', 'sold')[0]!.fileOffset,
            label: 'shop:sold',
          },
        ],
      })),
    ]);
    expect(others).toEqual([]);
    expect(status).toMatchObject({
      path,
      source: 'shop',
      summary: 'a shop',
      details: [],
      attached: false,
      processes: 0,
    });
    expect(status!.probes.map(({ kind, place }) => `${kind} ${place}`)).toEqual([
      'entry exported',
      'site exported',
      'address shop:sold',
    ]);
    expect(status!.probes.every(({ attached }) => !attached)).toBe(true);
    expect(status!.probes[1]).toMatchObject({ instruction: 'ret', program: 'leave' });
    expect(status!.probes[1]!.why).toMatch(/return instruction/);
    expect(status).not.toHaveProperty('reason');
  });

  it('is nothing when none wants it or has a word to say', () => {
    expect(inspectBinary(path, [source(() => undefined)])).toEqual([]);
    const never = source(() => {
      throw new Error('it was not wanted');
    }, false);
    expect(inspectBinary(path, [never])).toEqual([]);
  });

  it('is why it cannot be probed', () => {
    const [status] = inspectBinary(path, [
      source(() => ({ reason: 'stripped', remedy: 'do not strip' })),
    ]);
    expect(status).toMatchObject({
      reason: 'stripped',
      remedy: 'do not strip',
      attached: false,
      probes: [],
    });
  });

  it('is what a source throws', () => {
    const broken = source(() => {
      throw new Error('broken source');
    });
    expect(inspectBinary(path, [broken])[0]).toMatchObject({
      reason: 'broken source',
      summary: '',
    });
  });

  it('names a probe that cannot be placed; an optional one is no reason', () => {
    const probe = { program: 'enter', function: missing, when: 'entry' } as const;
    const [status] = inspectBinary(path, [planning(probe)]);
    expect(status!.reason).toMatch(/^gone: its code at 0x7fff0000 is not in the file/);
    expect(status!.probes[0]).toMatchObject({ place: 'gone', kind: 'entry', attached: false });
    expect(status!.probes[0]!.reason).toBe(status!.reason);
    const [optional] = inspectBinary(path, [planning({ ...probe, optional: true })]);
    expect(optional).not.toHaveProperty('reason');
    expect(optional!.probes[0]!.reason).toMatch(/^gone:/);
    expect(optional!.details).toEqual(['two counters']);
  });

  it('is an error when the file cannot be read', () => {
    expect(() => inspectBinary(join(directory, 'none'), [])).toThrow(/ENOENT/);
    writeFileSync(join(directory, 'text'), 'hello, world');
    expect(() => inspectBinary(join(directory, 'text'), [])).toThrow(/it is no ELF file/);
  });
});
