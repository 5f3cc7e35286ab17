// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { chooseUprobes } from './tls-options.js';

const folder = mkdtempSync(join(tmpdir(), 'libtrace-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
const both = ['openssl', 'go'];

describe('chooseUprobes', () => {
  it('has defaults of core when nothing is said', () => {
    expect(chooseUprobes({}, both, [])).toEqual({});
    expect(chooseUprobes({ tls: true, tlsDelay: 0 }, both, [])).toEqual({ delayMs: 0 });
  });

  it('is off with --no-tls, and without sources', () => {
    expect(chooseUprobes({ tls: false }, both, ['/bin/x'])).toBeUndefined();
    expect(chooseUprobes({ tlsDelay: 5 }, [], [])).toBeUndefined();
  });

  it.each([{ tlsMatch: ['x'] }, { tlsFile: ['/bin/sh'] }, { tlsDelay: 0 }])(
    'refuses --no-tls with %j',
    (more) => {
      expect(() => chooseUprobes({ tls: false, ...more }, both, [])).toThrow(/cannot be combined/);
    },
  );

  it('takes one expression for all as it is', () => {
    expect(chooseUprobes({ tlsMatch: ['^(a)\\1$'] }, both, [])?.match).toEqual(/^(a)\1$/);
    expect(chooseUprobes({ tlsMatch: ['--port=80'] }, both, [])?.match).toEqual(/--port=80/);
  });

  it('takes several as alternatives', () => {
    const match = chooseUprobes({ tlsMatch: ['^nginx$', 'a|b'] }, both, [])?.match as RegExp;
    expect(['nginx', 'b', 'xnginx'].map((name) => match.test(name))).toEqual([true, true, false]);
  });

  it('takes expressions for one source, and leaves the other alone', () => {
    expect(chooseUprobes({ tlsMatch: ['go=^/srv/', 'go=x=y'] }, both, [])?.match).toEqual({
      go: /(?:^\/srv\/)|(?:x=y)/,
    });
  });

  it('gives what is for all to each when one has its own', () => {
    expect(chooseUprobes({ tlsMatch: ['node', 'openssl=nginx'] }, both, [])?.match).toEqual({
      openssl: /(?:node)|(?:nginx)/,
      go: /node/,
    });
  });

  it('does not guess: a word before = that names no source is refused', () => {
    const choose = (): unknown => chooseUprobes({ tlsMatch: ['opensl=nginx'] }, both, []);
    expect(choose).toThrow('There is no source "opensl" here.');
    expect(choose).toThrow(
      expect.objectContaining({
        remedy: 'they are: openssl, go; an expression that begins so is written opensl[=]nginx',
      }),
    );
    expect(chooseUprobes({ tlsMatch: ['opensl[=]nginx'] }, both, [])?.match).toEqual(
      /opensl[=]nginx/,
    );
  });

  it.each(['(', 'go=['])('refuses %s, which is no expression', (text) => {
    expect(() => chooseUprobes({ tlsMatch: [text] }, both, [])).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', exitStatus: 2 }),
    );
  });

  it('resolves files, and names each once', () => {
    const file = join(folder, 'program');
    writeFileSync(file, '');
    const given = { tlsFile: [relative(process.cwd(), file), file] };
    expect(chooseUprobes(given, both, [file, '/bin/other'])?.files).toEqual([file, '/bin/other']);
  });

  it('refuses a file that is not there', () => {
    expect(() => chooseUprobes({ tlsFile: [join(folder, 'absent')] }, both, [])).toThrow(
      expect.objectContaining({ code: 'ERR_FILE_READ' }),
    );
  });
});
