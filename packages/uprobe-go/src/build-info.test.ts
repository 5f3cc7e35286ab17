// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readBuildInfo } from './build-info.js';
import { inlineBuildInfo } from './go-image.test-support.js';
import { parseGoVersion } from './go-version.js';
import { MemoryImage } from './memory-image.test-support.js';

const moduleText = [
  'path\texample.com/shop/cmd',
  'mod\texample.com/shop\tv1.2.3\th1:abc=',
  'dep\texample.com/other\tv0.1.0\th1:def=',
  'build\t-ldflags="-s -w"',
  'build\tGOARCH=amd64',
  '',
].join('\n');

const inSection = (bytes: Buffer) =>
  new MemoryImage('x86_64', [
    { section: '.go.buildinfo', address: 0x5000, bytes, isWritable: true },
  ]);

describe('build information', () => {
  it('is read in line, as Go writes it since 1.18', () => {
    const info = readBuildInfo(inSection(inlineBuildInfo('go1.23.5', moduleText)));
    expect(info).toEqual({
      version: 'go1.23.5',
      path: 'example.com/shop/cmd',
      module: 'example.com/shop v1.2.3',
      settings: new Map([
        ['-ldflags', '-s -w'],
        ['GOARCH', 'amd64'],
      ]),
    });
  });

  it('is read by address, as Go wrote it before', () => {
    const inline = inlineBuildInfo('', moduleText);
    const framed = inline.subarray(inline.indexOf('0000'));
    const head = Buffer.alloc(32);
    head.write('\xff Go buildinf:', 0, 'latin1');
    head[14] = 8;
    head.writeBigUInt64LE(0x6000n, 16);
    head.writeBigUInt64LE(0x6010n, 24);
    const strings = Buffer.alloc(32);
    strings.writeBigUInt64LE(0x6020n, 0);
    strings.writeBigUInt64LE(8n, 8);
    strings.writeBigUInt64LE(0x6028n, 16);
    strings.writeBigUInt64LE(BigInt(framed.length), 24);
    const image = new MemoryImage('x86_64', [
      { section: '.go.buildinfo', address: 0x5000, bytes: head, isWritable: true },
      { address: 0x6000, bytes: Buffer.concat([strings, Buffer.from('go1.17.3'), framed]) },
    ]);
    expect(readBuildInfo(image)).toMatchObject({
      version: 'go1.17.3',
      path: 'example.com/shop/cmd',
      module: 'example.com/shop v1.2.3',
    });
    head.writeBigUInt64LE(2n ** 63n, 16);
    head.writeBigUInt64LE(0n, 24);
    expect(readBuildInfo(image)).toMatchObject({ version: '', path: undefined });
  });

  it('is searched for in writable segments of a file without sections, at multiples of 16', () => {
    const blob = inlineBuildInfo('go1.21.0', moduleText);
    const at = (offset: number, isWritable: boolean) =>
      new MemoryImage('x86_64', [
        { address: 0x3000, bytes: Buffer.alloc(100), isWritable: true },
        {
          address: 0x10_0008,
          bytes: Buffer.concat([Buffer.alloc(offset), blob]),
          isWritable,
        },
      ]);
    expect(readBuildInfo(at(8, true))?.version).toBe('go1.21.0');
    expect(readBuildInfo(at(0x10_0008, true))?.version).toBe('go1.21.0');
    expect(readBuildInfo(at(3 * 1024 * 1024 + 8, true))?.version).toBe('go1.21.0');
    expect(readBuildInfo(at(0x10_0004, true))).toBeUndefined();
    expect(readBuildInfo(at(0x10_0008, false))).toBeUndefined();
  });

  it('is not searched for in a file that has other sections', () => {
    const image = new MemoryImage('x86_64', [
      { section: '.text', address: 0x1000, bytes: Buffer.alloc(16), isExecutable: true },
      { address: 0x5000, bytes: inlineBuildInfo('go1.21.0', moduleText), isWritable: true },
    ]);
    expect(readBuildInfo(image)).toBeUndefined();
    expect(image.bytesRead).toBe(0);
  });

  it('is empty where it is cut or claims too much', () => {
    const blob = inlineBuildInfo('go1.23.5', moduleText);
    const expected = { version: '', path: undefined, module: undefined, settings: new Map() };
    expect(readBuildInfo(inSection(blob.subarray(0, 34)))).toEqual(expected);
    expect(readBuildInfo(inSection(blob.subarray(0, 60)))).toEqual({
      ...expected,
      version: 'go1.23.5',
    });
    expect(readBuildInfo(inSection(blob.subarray(0, 20)))).toBeUndefined();
    const endless = Buffer.concat([blob.subarray(0, 32), Buffer.alloc(64, 0xff)]);
    expect(readBuildInfo(inSection(endless))).toEqual(expected);
  });

  it('holds no control characters', () => {
    const info = readBuildInfo(inSection(inlineBuildInfo('go1.2\x1b[2J', 'path\t\x07x\n')));
    expect(info).toMatchObject({ version: 'go1.2?[2J', path: '?x' });
  });
});

describe('a version of Go', () => {
  it.each([
    ['go1.23.5', { minor: 23, patch: 5 }],
    ['go1.24', { minor: 24, patch: 0 }],
    ['go1.24rc1', { minor: 24, patch: 0 }],
    ['go1.21.5 X:boringcrypto', { minor: 21, patch: 5 }],
    ['devel go1.25-abcdef Tue', { minor: 25, patch: 0 }],
    ['go1.22.3-custom', { minor: 22, patch: 3 }],
    ['1.20.1', { minor: 20, patch: 1 }],
    ['devel +5f3a', undefined],
    ['go2.1', undefined],
    ['', undefined],
  ])('%s', (text, version) => {
    expect(parseGoVersion(text)).toEqual(version);
  });
});
