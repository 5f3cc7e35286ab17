// SPDX-License-Identifier: Apache-2.0

/**
 * What the kernel does with a probed instruction (arch/x86/kernel/uprobes.c). A few it emulates; of the rest it runs a copy
 * elsewhere with the trap flag set, which costs two traps more; some it refuses.
 */

/** Prefixes that it refuses: segment overrides that mean nothing in 64 bits, and lock. */
const refusedPrefixes = new Set([0x26, 0x2e, 0x36, 0x3e, 0xf0]);
const prefixes = new Set([...refusedPrefixes, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3]);

/** First opcode bytes that it refuses: in and out, interrupts, far control transfers, `hlt`, `cli`, `sti`, what is not defined. */
const refusedOpcodes = new Set([
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x62, 0x6c, 0x6d,
  0x6e, 0x6f, 0x82, 0x9a, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd4, 0xd5, 0xd6, 0xe4, 0xe5, 0xe6,
  0xe7, 0xea, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf4, 0xfa, 0xfb,
]);

/** The same behind 0x0f: system instructions, `syscall`, `ud2`, fences and saved states (group 15). */
const refusedLongOpcodes = new Set([
  0x00, 0x01, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32, 0x33,
  0x34, 0x35, 0x37, 0x78, 0x79, 0xaa, 0xae,
]);

/** Whether the kernel allows a probe at an instruction. Refuses a few that newer kernels allow. */
export function isAcceptedByKernel(bytes: Buffer): boolean {
  let at = 0;
  while (prefixes.has(bytes[at] ?? 0)) {
    if (refusedPrefixes.has(bytes[at]!)) return false;
    at++;
  }
  if (isRex(bytes[at])) at++;
  const opcode = bytes[at] ?? 0;
  if (opcode === 0x0f) return !refusedLongOpcodes.has(bytes[at + 1] ?? 0);
  return !refusedOpcodes.has(opcode);
}

/**
 * Whether the kernel emulates an instruction: `nop` of one byte, `push` of a register, and direct `call`, `jmp` and
 * conditional jumps, all without prefixes. Since Linux 4.17 (push), 3.17 (the rest); newer kernels emulate more.
 */
export function isEmulatedByKernel(bytes: Buffer): boolean {
  const opcode = bytes[0] ?? 0;
  if (bytes.length === 1) return opcode === 0x90 || isPush(opcode);
  if (bytes.length === 2 && opcode === 0x41) return isPush(bytes[1]!);
  if (bytes.length === 2) return opcode === 0xeb || (opcode >= 0x70 && opcode <= 0x7f);
  if (bytes.length === 5) return opcode === 0xe8 || opcode === 0xe9;
  return bytes.length === 6 && opcode === 0x0f && bytes[1]! >= 0x80 && bytes[1]! <= 0x8f;
}

/**
 * Whether it saves a register that belongs to the caller (System V ABI: rbx, rbp, r12 to r15). Such a push belongs to the
 * head of a function: no loop leads back to it.
 */
export function savesCallersRegister(bytes: Buffer): boolean {
  if (bytes.length === 1) return bytes[0] === 0x53 || bytes[0] === 0x55;
  return bytes.length === 2 && bytes[0] === 0x41 && bytes[1]! >= 0x54 && bytes[1]! <= 0x57;
}

/** Whether it is a near return: `ret`, `ret 8`, `rep ret`. */
export function isNearReturn(bytes: Buffer): boolean {
  const opcode = bytes.find((byte) => !prefixes.has(byte) && !isRex(byte));
  return opcode === 0xc3 || opcode === 0xc2;
}

function isPush(opcode: number): boolean {
  return opcode >= 0x50 && opcode <= 0x57;
}

function isRex(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x40 && byte <= 0x4f;
}
