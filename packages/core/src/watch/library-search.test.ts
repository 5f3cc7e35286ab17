// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from './fakes.test-support.js';
import { FileTree } from './file-tree.js';
import { type LoadedObject, LibrarySearch } from './library-search.js';
import type { DynamicInfo } from './types.js';

const glibc: DynamicInfo = {
  machine: 'x86_64',
  interpreter: '/lib64/ld-linux-x86-64.so.2',
  needed: [],
  rpath: [],
  runpath: [],
};
const musl = { ...glibc, interpreter: '/lib/ld-musl-x86_64.so.1' };

describe('LibrarySearch', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  afterEach(() => machine[Symbol.dispose]());

  function program(dynamic: Partial<DynamicInfo> = {}, path = '/opt/app/bin/app'): LoadedObject {
    return { path, dynamic: { ...glibc, ...dynamic }, neededBy: undefined };
  }

  function find(
    by: LoadedObject,
    libraryPath: readonly string[] = [],
    name = 'libx.so',
    accepts: (path: string) => boolean = () => true,
  ): readonly string[] {
    const search = new LibrarySearch(new FileTree(machine.root, false), by.dynamic);
    return search.find(name, by, libraryPath, accepts);
  }

  it('takes the places in the order of the loader', () => {
    const places = [
      '/rpath',
      '/env',
      '/conf',
      '/lib/x86_64-linux-gnu',
      '/usr/lib/x86_64-linux-gnu',
    ];
    for (const place of places) machine.file(`${place}/libx.so`);
    machine.file('/etc/ld.so.conf', '/conf\n');
    const by = program({ rpath: ['/rpath'] });
    for (const place of places) {
      expect(find(by, ['/env'])).toEqual([`${place}/libx.so`]);
      machine.remove(`${place}/libx.so`);
    }
    expect(find(by, ['/env'])).toEqual([]);
  });

  it('looks at DT_RUNPATH behind LD_LIBRARY_PATH, and then not at DT_RPATH', () => {
    for (const place of ['/rpath', '/runpath', '/env']) machine.file(`${place}/libx.so`);
    const by = program({ rpath: ['/rpath'], runpath: ['/runpath'] });
    expect(find(by, ['/env'])).toEqual(['/env/libx.so']);
    expect(find(by)).toEqual(['/runpath/libx.so']);
    machine.remove('/runpath/libx.so');
    expect(find(by)).toEqual([]);
  });

  it('has DT_RPATH of the program count for its libraries, DT_RUNPATH not', () => {
    machine.file('/p/libx.so');
    const library = (of: Partial<DynamicInfo>): LoadedObject => ({
      path: '/lib/liby.so',
      dynamic: glibc,
      neededBy: program(of),
    });
    expect(find(library({ rpath: ['/p'] }))).toEqual(['/p/libx.so']);
    expect(find(library({ runpath: ['/p'] }))).toEqual([]);
  });

  it.each(['$ORIGIN/../lib', '${ORIGIN}/../lib', '/opt/app/$LIB', '/opt/$PLATFORM/../app/lib'])(
    'fills in %s',
    (path) => {
      machine.file('/opt/app/lib/libx.so');
      machine.file('/opt/app/bin/app');
      machine.file('/opt/x86_64/y');
      expect(find(program({ runpath: [path] }))).toEqual(['/opt/app/lib/libx.so']);
    },
  );

  it('fills in a directory whose name holds a dollar sign', () => {
    machine.file("/opt/$&/$'/libx.so");
    const by = program({ runpath: ["$ORIGIN/$'"] }, '/opt/$&/app');
    expect(find(by)).toEqual(["/opt/$&/$'/libx.so"]);
  });

  it('takes a name with a slash as it is', () => {
    machine.file('/opt/app/bin/libx.so');
    machine.file('/lib/libx.so');
    expect(find(program(), [], '$ORIGIN/libx.so')).toEqual(['/opt/app/bin/libx.so']);
    expect(find(program(), [], 'sub/libx.so')).toEqual([]);
  });

  it('passes over libraries that the loader does not take', () => {
    machine.file('/a/libx.so');
    machine.file('/b/libx.so');
    const found = find(program({ runpath: ['/a', '/b'] }), [], 'libx.so', (path) =>
      path.startsWith('/b'),
    );
    expect(found).toEqual(['/b/libx.so']);
  });

  it('names the variants for processors too', () => {
    machine.file('/lib64/libx.so');
    machine.file('/lib64/glibc-hwcaps/x86-64-v3/libx.so');
    expect(find(program())).toEqual(['/lib64/glibc-hwcaps/x86-64-v3/libx.so', '/lib64/libx.so']);
  });

  it('searches as musl does', () => {
    machine.file('/env/libx.so');
    machine.file('/p/libx.so');
    machine.file('/usr/local/lib/libx.so');
    const by: LoadedObject = {
      path: '/lib/liby.so',
      dynamic: musl,
      neededBy: { path: '/bin/x', dynamic: { ...musl, runpath: ['/p'] }, neededBy: undefined },
    };
    expect(find(by, ['/env'])).toEqual(['/env/libx.so']);
    expect(find(by)).toEqual(['/p/libx.so']);
    machine.remove('/p/libx.so');
    expect(find(by)).toEqual(['/usr/local/lib/libx.so']);
    machine.file('/etc/ld-musl-x86_64.path', '/opt/musl:/x\n');
    expect(find(by)).toEqual([]);
    machine.file('/opt/musl/libx.so');
    expect(find(by)).toEqual(['/opt/musl/libx.so']);
  });
});
