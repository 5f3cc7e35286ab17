// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  confusionMatrix,
  foreignConversations,
  formatConfusionMatrix,
  readCapture,
  type ConfusionRow,
  type Fixture,
} from '@libtrace/testkit';
import { describe, expect, it } from 'vitest';
import { pluginsWithFixtures } from '../../scripts/plugins-with-fixtures.mjs';

// Captures beside the repository, a folder for each protocol: used where they are.
const captures = fileURLToPath(new URL('../../../shared/captures/', import.meta.url));

async function capturesOf(protocol: string): Promise<Fixture[]> {
  const folder = join(captures, protocol);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.pcap'));
  return (await Promise.all(files.map((name) => readCapture(join(folder, name))))).flat();
}

const plugins = await pluginsWithFixtures();
const rows: ConfusionRow[] = [];
for (const { name, fixtures } of plugins) {
  if (fixtures.length > 0) rows.push({ protocol: name, label: name, fixtures });
  const captured = await capturesOf(name);
  for (const late of [false, true]) {
    const some = captured.filter(({ midstream }) => midstream === late);
    const label = `${name} (captures${late ? ', joined late' : ''})`;
    if (some.length > 0) rows.push({ protocol: name, label, fixtures: some, mayMiss: late });
  }
}
const byProtocol = new Map<string, Fixture[]>();
for (const conversation of foreignConversations) {
  const { protocol } = conversation;
  byProtocol.set(protocol, [...(byProtocol.get(protocol) ?? []), conversation]);
}
for (const [label, fixtures] of byProtocol) rows.push({ protocol: undefined, label, fixtures });

describe('confusion matrix', () => {
  it('is diagonal: every plugin recognizes its own conversations and no others', () => {
    const matrix = confusionMatrix(
      plugins.map(({ factory }) => factory),
      rows,
    );
    console.log(`\n${formatConfusionMatrix(matrix)}\n`);
    expect(matrix.mistakes).toEqual([]);
  });
});
