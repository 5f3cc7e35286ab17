// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realpathSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { interpreterOf, programFiles } from './program-files.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'libtrace-program-')));
afterAll(() => rmSync(folder, { recursive: true }));
const env = { PATH: join(folder, 'bin') };

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, 0o755);
  return path;
}

const program = write('bin/program', Buffer.from('\u007fELF and so on', 'latin1'));

describe('programFiles', () => {
  it('finds a program by PATH and by path', () => {
    expect(programFiles('program', env)).toEqual([program]);
    expect(programFiles(program, {})).toEqual([program]);
  });

  it('follows symbolic links: probes sit in the file itself', () => {
    symlinkSync('program', join(folder, 'bin/link'));
    expect(programFiles('link', env)).toEqual([program]);
  });

  it('finds the interpreter of a script, and of a script of a script', () => {
    const script = write('script', `#!${program} --flag\nx`);
    expect(programFiles(script, env)).toEqual([program]);
    expect(programFiles(write('outer', `#! \t${script}\n`), env)).toEqual([program]);
  });

  it('looks behind env', () => {
    expect(programFiles(write('by-env', '#!/usr/bin/env program\n'), env)).toEqual([program]);
    const split = '#!/usr/bin/env -S A=b program --flag\n';
    expect(programFiles(write('by-env-s', split), env)).toEqual([program]);
  });

  it('knows nothing of other files, without a word', () => {
    expect(programFiles(write('text', 'echo hello\n'), env)).toEqual([]);
    expect(programFiles(write('empty', ''), env)).toEqual([]);
    expect(programFiles('absent', env)).toEqual([]);
    expect(programFiles(write('orphan', '#!/no/such/interpreter\n'), env)).toEqual([]);
  });

  it('ends when a script is its own interpreter', () => {
    const path = join(folder, 'ouroboros');
    expect(programFiles(write('ouroboros', `#!${path}\n`), env)).toEqual([]);
  });
});

describe('interpreterOf', () => {
  it.each([
    ['#!/bin/sh', '/bin/sh'],
    ['#!/bin/sh\r', '/bin/sh\r'],
    ['#!', undefined],
    ['#!   ', undefined],
    ['#!/usr/bin/env', '/usr/bin/env'],
    ['#!/opt/myenv x', '/opt/myenv'],
    ['echo', undefined],
  ])('%j: %j', (line, interpreter) => {
    expect(interpreterOf(Buffer.from(line))).toBe(interpreter);
  });
});
