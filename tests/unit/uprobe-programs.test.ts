// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const objects = ['core/bpf/socket_tracer', 'uprobe-openssl/bpf/openssl', 'uprobe-go/bpf/go'].map(
  (name) => fileURLToPath(new URL(`../../packages/${name}.bpf.o`, import.meta.url)),
);
const isBuilt = objects.every((path) => existsSync(path));
/** bpf_tail_call: include/uapi/linux/bpf.h. */
const tailCall = /call 12$/m;

/** Without a tail call its stack may be in memory that another one on the same CPU uses too. */
describe.skipIf(!isBuilt)('a program of a uprobe', () => {
  it.each(objects)('may make a tail call: %s', (path) => {
    const text = execFileSync(
      'llvm-objdump',
      ['-d', '--no-show-raw-insn', '--section=uprobe', path],
      { encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    const programs = text.split(/^[0-9a-f]+ <(?!LBB)(?=\w+>:$)/m).slice(1);
    expect(programs.length).toBeGreaterThan(0);
    for (const program of programs) {
      expect(tailCall.test(program), program.slice(0, program.indexOf('>'))).toBe(true);
    }
  });
});
