// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from './fakes.test-support.js';
import { FileTree } from './file-tree.js';
import { configuredDirectories } from './loader-config.js';

describe('FileTree', () => {
  let machine: FakeMachine;
  let tree: FileTree;
  beforeEach(() => {
    machine = new FakeMachine();
    tree = new FileTree(machine.root, false);
  });
  afterEach(() => machine[Symbol.dispose]());

  it('follows links as a process with that root does', () => {
    machine.file('/usr/lib/libssl.so.3.0', 'inside');
    machine.link('/lib', 'usr/lib');
    machine.link('/usr/lib/libssl.so.3', '/lib/libssl.so.3.0');
    machine.link('/up', '../../../../../usr/lib/libssl.so.3');
    for (const path of ['/lib/libssl.so.3', '/up', '//usr/./lib/../lib//libssl.so.3']) {
      expect(tree.real(path)).toBe('/usr/lib/libssl.so.3.0');
    }
    expect(readFileSync(tree.outside('/usr/lib/libssl.so.3.0'), 'utf8')).toBe('inside');
  });

  it('does not follow a link out of the root', () => {
    machine.link('/escape', '/etc');
    machine.link('/passwd', '/../../../etc/passwd');
    expect(tree.real('/escape/passwd')).toBeUndefined();
    expect(tree.real('/passwd')).toBeUndefined();
  });

  it('ends on links that make a circle, and on those that multiply', () => {
    machine.link('/a', '/b');
    machine.link('/b', '/a');
    expect(tree.real('/a')).toBeUndefined();
    machine.file('/bomb/0/x');
    for (let i = 1; i < 30; i++) machine.link(`/bomb/${i}`, `${`${i - 1}/../`.repeat(20)}${i - 1}`);
    expect(tree.real('/bomb/29/x')).toBeUndefined();
  });

  it.each(['', 'relative', `/${'a/'.repeat(5_000)}`, '/nothing/there', '/a\0b'])(
    'has nothing at %j',
    (path) => {
      expect(tree.real(path.slice(0, 12_000))).toBeUndefined();
    },
  );

  it('reads configuration with its includes, each once', () => {
    machine.file('/etc/ld.so.conf', '# comment\ninclude ld.so.conf.d/*.conf\n/opt/last\n');
    machine.file('/etc/ld.so.conf.d/b.conf', '/opt/b # why\ninclude /etc/ld.so.conf\n');
    machine.file('/etc/ld.so.conf.d/a.conf', '/opt/a\n  /opt/a2\nhwcap 1 nosegneg\n');
    machine.file('/etc/ld.so.conf.d/.hidden.conf', '/opt/hidden\n');
    machine.file('/etc/ld.so.conf.d/c.off', '/opt/off\n');
    expect([...configuredDirectories(tree)].sort()).toEqual([
      '/opt/a',
      '/opt/a2',
      '/opt/b',
      '/opt/last',
    ]);
    expect(configuredDirectories(new FileTree(machine.procfs, false))).toEqual([]);
  });
});
