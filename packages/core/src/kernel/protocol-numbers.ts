// SPDX-License-Identifier: Apache-2.0

/** Names of the protocols that in-kernel inference can tell apart, by the number it answers (bpf/infer_http.bpf.h). */
const names: readonly (string | undefined)[] = [undefined, 'http'];

/** Name of a protocol number of the kernel side; undefined for 0 (none) and unknown numbers. */
export function protocolName(number: number): string | undefined {
  return names[number];
}

/** Number to put into a verdict. A protocol that the kernel side does not know has the number 255: named, but by user space. */
export function protocolNumber(name: string): number {
  const number = names.indexOf(name);
  return number < 0 ? 255 : number;
}
