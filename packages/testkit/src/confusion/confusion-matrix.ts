// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, ProtocolPlugin, Role } from '@libtrace/core';
import type { Fixture } from '../fixture/fixture.js';
import { play } from '../run/play.js';
import { claimedBy } from './claims.js';

/** Conversations of one protocol: a row of the matrix. */
export interface ConfusionRow {
  /** Name of the plugin that must recognize them; undefined: none may. */
  readonly protocol: string | undefined;
  /** Shown in front of the row. */
  readonly label: string;
  /** The conversations. */
  readonly fixtures: readonly Fixture[];
  /** They need not be recognized (connections that were joined late), only not be taken by another. Default false. */
  readonly mayMiss?: boolean;
}

/** How a plugin took the conversations of a row. */
export interface ConfusionCell {
  /** Name of the plugin: the column. */
  readonly plugin: string;
  /** Conversations, in three roles each, that its inference claims when it is the only plugin. */
  readonly alone: number;
  /** The same with all plugins installed. */
  readonly among: number;
  /** Those of which its parser, told that they are its own, makes a whole exchange. */
  readonly parsed: number;
}

/** How the plugins took the conversations of one row. */
export interface ConfusionCounts {
  /** As in the {@link ConfusionRow}. */
  readonly label: string;
  /** As in the {@link ConfusionRow}. */
  readonly protocol: string | undefined;
  /** Conversations times roles. */
  readonly conversations: number;
  /** One for each plugin, in their order. */
  readonly cells: readonly ConfusionCell[];
}

/** What {@link confusionMatrix} gives. */
export interface ConfusionMatrix {
  /** In the order of the {@link ConfusionRow}s. */
  readonly rows: readonly ConfusionCounts[];
  /** A sentence for each conversation that a plugin took and should not have, or did not take and should have. */
  readonly mistakes: readonly string[];
}

const roles: readonly Role[] = ['server', 'client', 'unknown'];

/** Every conversation, seen from both ends and without a known role, with every plugin's inference and parser. */
export function confusionMatrix(
  plugins: readonly (() => AnyProtocol)[],
  rows: readonly ConfusionRow[],
): ConfusionMatrix {
  const mistakes: string[] = [];
  const names = plugins.map((factory) => (factory() as ProtocolPlugin).name);
  const table = rows.map(({ label, protocol, fixtures, mayMiss = false }) => {
    const cells = names.map((plugin) => ({ plugin, alone: 0, among: 0, parsed: 0 }));
    for (const fixture of fixtures) {
      for (const role of roles) {
        const among = claimedBy(
          play(
            plugins.map((factory) => factory()),
            fixture,
            { role },
          ),
        );
        for (const [index, factory] of plugins.entries()) {
          const cell = cells[index]!;
          const own = cell.plugin === protocol;
          const wrong = (what: string): unknown =>
            mistakes.push(`${label} ${fixture.name} (role ${role}): ${cell.plugin} ${what}`);
          const isAmong = among.includes(cell.plugin);
          const isAlone = claimedBy(play([factory()], fixture, { role })).includes(cell.plugin);
          const forced = play([factory()], fixture, { role, hint: true }).records;
          const isParsed = forced.some(
            (each) => each.complete && each.requestBytes > 0 && each.responseBytes > 0,
          );
          if (isAmong) cell.among++;
          if (isAlone) cell.alone++;
          if (isParsed) cell.parsed++;
          if (own && !isAmong && !mayMiss) wrong('does not recognize it among the others');
          if (own && !isAlone && !mayMiss) wrong('does not recognize it');
          if (!own && isAmong) wrong('takes it, with the others installed');
          if (!own && isAlone) wrong('takes it, alone');
          if (!own && isParsed) wrong('reads whole exchanges in it, when told to');
        }
      }
    }
    return { label, protocol, conversations: fixtures.length * roles.length, cells };
  });
  return { rows: table, mistakes };
}

/**
 * The matrix as a table: a row for each protocol, a column for each plugin. A cell says how many conversations its
 * inference claimed alone, among all plugins, and its parser read when told to; `·` is none of all three.
 */
export function formatConfusionMatrix(matrix: ConfusionMatrix): string {
  const plugins = matrix.rows[0]?.cells.map((cell) => cell.plugin) ?? [];
  const lines = [
    ['conversations of', 'count', ...plugins],
    ...matrix.rows.map((row) => [
      row.label,
      String(row.conversations),
      ...row.cells.map(({ alone, among, parsed }) =>
        alone + among + parsed === 0 ? '·' : `${alone}/${among}/${parsed}`,
      ),
    ]),
  ];
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((line) => line[column]!.length)),
  );
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
