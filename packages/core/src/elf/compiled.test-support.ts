// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A library, or a program without the C library: small, with everything that the reader looks at. */
export const shopSource = `
struct inner { char a; long b; };
union either { int i; double d; };
struct widget { char c; int n; struct inner in; union either u; unsigned bits : 3; void *last; };
struct widget w;
unsigned short sold_semaphore __attribute__((section(".probes"), visibility("hidden")));
__attribute__((noinline)) int leaf(int a) { return a + w.n; }
__attribute__((noinline, noclone)) int exported(int a, int b) {
  for (int i = 0; i < b; i++) a = leaf(a);
  __asm__ volatile(
      "990: nop\\n"
      ".pushsection .note.stapsdt,\\"\\",@note\\n"
      ".balign 4\\n .4byte 992f-991f, 994f-993f, 3\\n"
      "991: .asciz \\"stapsdt\\"\\n"
      "992: .balign 4\\n"
      "993: .8byte 990b\\n .8byte _.stapsdt.base\\n .8byte sold_semaphore\\n"
      ".asciz \\"shop\\"\\n .asciz \\"sold\\"\\n .asciz \\"-4@%0\\"\\n"
      "994: .balign 4\\n"
      ".popsection\\n"
      ".pushsection .stapsdt.base,\\"aG\\",@progbits,.stapsdt.base,comdat\\n"
      ".weak _.stapsdt.base\\n .hidden _.stapsdt.base\\n"
      "_.stapsdt.base: .space 1\\n .size _.stapsdt.base, 1\\n"
      ".popsection" ::"r"(a));
  return a;
}
int entry(int a) {
  switch (a) {
    case 0: return leaf(1) + 1;
    case 1: return leaf(7) + 2;
    case 2: return w.c + leaf(3);
    case 3: return leaf(9) * 9;
    case 4: return leaf(a) * 3;
    case 5: return leaf(a) - 8;
  }
  return exported(a, 3) + 1;
}
`;

/** What makes files small: no pages between segments. */
export const compact = ['-nostdlib', '-Wl,-z,noseparate-code', '-Wl,-z,max-page-size=4096'];

/** Compiles C and returns the file; `command` is the compiler, the rest its options. Throws when it fails. */
export function compile(source: string, options: readonly string[], compiler = 'gcc'): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'libtrace-elf-'));
  try {
    const [input, output] = [join(directory, 'source.c'), join(directory, 'out')];
    writeFileSync(input, source);
    const flags = ['-fcf-protection=none', '-w', '-o', output, input, ...options];
    execFileSync(compiler, flags, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
    return readFileSync(output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a tool over a file and returns what it makes of it: `strip`, `objcopy`. */
export function rework(file: Buffer, command: string, options: readonly string[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'libtrace-elf-'));
  try {
    const path = join(directory, 'file');
    writeFileSync(path, file);
    execFileSync(command, [...options, path], { stdio: ['ignore', 'ignore', 'pipe'] });
    return readFileSync(path);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
