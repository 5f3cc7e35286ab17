// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseMaps } from './mapped-files.js';

const line = (name: string, perms = 'r-xp', inode = '4711'): string =>
  `7f0000001000-7f0000002000 ${perms} 00001000 fe:01 ${inode}                     ${name}\n`;

describe('parseMaps', () => {
  it('reads code of files, and nothing else', () => {
    const text = [
      line('/usr/lib/libssl.so.3', 'r--p'),
      line('/usr/lib/libssl.so.3'),
      line('/usr/lib/libssl.so.3', 'rw-p'),
      '7f0000003000-7f0000004000 r-xp 00000000 00:00 0 \n',
      '7ffd0000-7ffd2000 r-xp 00000000 00:00 0                  [vdso]\n',
      'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]\n',
    ].join('');
    expect(parseMaps(text)).toEqual([
      {
        range: '7f0000001000-7f0000002000',
        device: 'fe:01',
        inode: '4711',
        path: '/usr/lib/libssl.so.3',
        deleted: false,
      },
    ]);
  });

  it('names ranges as map_files does: without the zeros that low addresses have in maps', () => {
    const text = '00400000-0076f000 r-xp 00000000 fe:01 1 /usr/bin/node (deleted)\n';
    expect(parseMaps(text)).toMatchObject([{ range: '400000-76f000', deleted: true }]);
    const first = '00000000-00001000 r-xp 00000000 fe:01 1 /usr/bin/node\n';
    expect(parseMaps(first)).toMatchObject([{ range: '0-1000' }]);
  });

  it('names a file once, however often it is mapped', () => {
    expect(parseMaps(line('/a') + line('/b') + line('/a'))).toHaveLength(2);
    expect(parseMaps(line('/a', 'r-xp', '1') + line('/a', 'r-xp', '2'))).toHaveLength(2);
  });

  it.each([
    ['/with a space/and  two', '/with a space/and  two', false],
    ['/usr/bin/node (deleted)', '/usr/bin/node', true],
    ['/memfd:runc_cloned:/proc/self/exe (deleted)', '/memfd:runc_cloned:/proc/self/exe', true],
    ['/a\\012b', '/a\nb', false],
    ['/tab\there\rand there', '/tab\there\rand there', false],
    ['/caf\xc3\xa9', '/café', false],
  ])('reads the name %j', (name, path, deleted) => {
    expect(parseMaps(line(name))).toMatchObject([{ path, deleted }]);
  });

  it('is not led astray by a name that looks like lines', () => {
    const name = '/x\r7f0000001000-7f0000002000 r-xp 00001000 fe:01 9 /evil';
    expect(parseMaps(line(name))).toMatchObject([{ path: name, inode: '4711' }]);
  });

  it.each(['', '\n', 'x', '\n\n 1\n', '- r-xp\n', line('/cut').slice(0, -1), 'a-b  xx\n'])(
    'finds nothing in %j',
    (text) => {
      expect(parseMaps(text)).toEqual([]);
    },
  );
});
