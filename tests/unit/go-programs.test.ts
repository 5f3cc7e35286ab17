// SPDX-License-Identifier: Apache-2.0
// Programs of every toolchain of scripts/go-toolchains.mjs, built in every way: what is found in them is the same with
// symbols and without. The first run compiles them (10 minutes); afterwards they are there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { openElf, planProbe } from '../../packages/core/src/elf/index.js';
import type { ElfImage, FunctionProbe, ProbePlan } from '../../packages/core/src/plugin/index.js';
import { go } from '../../packages/uprobe-go/src/index.js';
import { goProgram } from '../../scripts/go-programs.mjs';
import { goToolchain, goVersions } from '../../scripts/go-toolchains.mjs';

const source = fileURLToPath(new URL('../../packages/uprobe-go/testdata/tls', import.meta.url));
/** Built with symbols, and the same without. */
const pairs = [
  ['normal', 'stripped'],
  ['pie', 'pie-stripped'],
  ['cgo', 'cgo-stripped'],
  ['cgo-pie', 'cgo-pie-stripped'],
  ['arm64', 'arm64-stripped'],
] as const;
/** The ones for arm64 take as long to compile as all others: the oldest and the newest toolchain do. */
const isCompiled = (version: string, variant: string) =>
  variant !== 'arm64' || version === goVersions[0] || version === goVersions.at(-1);
const compileMs = 600_000;

function planOf(image: ElfImage): ProbePlan {
  const plan = go().inspect(image);
  if (plan === undefined || 'reason' in plan) throw new Error(plan?.reason ?? 'no plan');
  return plan;
}

/** Opens a file, plans it, and says where each program would be placed. */
function inspect(file: string | Buffer) {
  const image = openElf(file);
  try {
    const plan = planOf(image);
    const probes = plan.probes as readonly FunctionProbe[];
    const places = probes.map((probe) => {
      const at = planProbe(image, probe, { safeReturnProbes: true });
      expect(at.every(({ kind }) => kind === (probe.when === 'entry' ? 'entry' : 'site'))).toBe(
        true,
      );
      return [
        probe.program,
        ...at.map(({ fileOffset }) => fileOffset - image.fileOffset(probe.function.address)!),
      ];
    });
    const addresses = probes.map(({ function: { name, address } }) => `${name} ${address}`);
    return { plan, addresses, places };
  } finally {
    image[Symbol.dispose]();
  }
}

/** As if its sections had been cut off (`sstrip`). */
function withoutSections(file: string): Buffer {
  const bytes = readFileSync(file);
  bytes.writeBigUInt64LE(0n, 0x28); // e_shoff
  bytes.fill(0, 0x3c, 0x40); // e_shnum, e_shstrndx
  return bytes;
}

describe.each(goVersions)('programs of Go %s', (version) => {
  const requireToolchain = (context: TestContext) => {
    const toolchain = goToolchain(version);
    if (toolchain === undefined) {
      context.skip(`no Go ${version} here: node scripts/go-toolchains.mjs fetches it`);
    }
    return toolchain;
  };

  it.for(pairs.filter(([variant]) => isCompiled(version, variant)))(
    '%s and %s have the same functions, places and offsets',
    { timeout: compileMs },
    async ([variant, strippedVariant], context) => {
      const { release } = requireToolchain(context);
      const whole = inspect(await goProgram({ source, version, variant }));
      const file = await goProgram({ source, version, variant: strippedVariant });
      const stripped = inspect(file);
      const cut = inspect(withoutSections(file));

      expect(whole.plan.summary).toBe(`Go ${release}, functions by symbols`);
      expect(stripped.plan.summary).toMatch(/functions by (\.|table found by search)/);
      expect(cut.plan.summary).toMatch(/functions by table found by search/);
      expect(whole.plan.details!.join('\n')).toContain('struct offsets: debug information');
      expect(stripped.plan.details!.join('\n')).toContain(`struct offsets: those of Go ${release}`);
      expect(new Set(whole.addresses).size).toBe(3);
      for (const { plan, addresses, places } of [stripped, cut]) {
        expect([...addresses].sort()).toEqual([...whole.addresses].sort());
        expect(places).toEqual(whole.places);
        expect(plan.constants).toEqual(whole.plan.constants);
      }
    },
  );

  it('the command go itself has them too', (context) => {
    const { bin } = requireToolchain(context);
    expect(inspect(bin).addresses).toHaveLength(5);
  });

  it('the compiler has none: it speaks no TLS', (context) => {
    const { goroot } = requireToolchain(context);
    const image = openElf(join(goroot, 'pkg/tool/linux_amd64/compile'));
    expect(go().inspect(image)).toBeUndefined();
    image[Symbol.dispose]();
  });
});
