// SPDX-License-Identifier: Apache-2.0

/** Release that `scripts/kernels/run-in-kernel.mjs` runs the suite on; undefined on the machine itself. */
export const guestKernel = process.env['LIBTRACE_KERNEL'];

/** How much longer than on metal everything may take. Emulated kernels are 10 to 20 times slower. */
export const timeScale = Number(
  process.env['LIBTRACE_TIME_SCALE'] ?? (guestKernel === undefined ? 1 : 20),
);

/** Resolves as soon as `condition` holds. @throws when it does not within `timeoutMs`, scaled. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 5_000,
): Promise<T> {
  const end = Date.now() + timeoutMs * timeScale;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs * timeScale} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
