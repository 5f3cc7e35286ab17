// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ConnectionInfo, ProtocolPlugin, Side, Transport } from '../plugin/index.js';
import { evaluate, reach } from './interpret.js';

/** What inference needs of a plugin. */
export type Inferable = Pick<ProtocolPlugin, 'name' | 'inference' | 'transports'>;

/** A plugin whose rule matched the first bytes of a message. */
export interface Match<P extends Inferable> {
  readonly plugin: P;
  readonly says: Side | 'either';
  readonly strength: 'certain' | 'likely';
}

/** What the rules of all plugins say of some bytes. */
export interface MatchResult<P extends Inferable> {
  /** The first certain match, if any; else every likely one. */
  readonly matches: readonly Match<P>[];
  /** No certain match, and some rule needs more bytes. */
  readonly short: boolean;
}

/** The rules of one plugin against some bytes. `side`: which half of an exchange they must be, when that is known. */
export function matchPlugin<P extends Inferable>(
  plugin: P,
  view: ByteView,
  totalLength: number,
  side: Side | undefined,
): Match<P> | 'short' | undefined {
  let likely: Match<P> | undefined;
  let short = false;
  for (const rule of plugin.inference.rules) {
    if (side !== undefined && rule.says !== 'either' && rule.says !== side) continue;
    const holds = evaluate(rule.when, view, totalLength);
    if (holds === 'short') short = true;
    if (holds !== true) continue;
    const match: Match<P> = { plugin, says: rule.says, strength: rule.strength ?? 'certain' };
    if (match.strength === 'certain') return match;
    likely ??= match;
  }
  return likely ?? (short ? 'short' : undefined);
}

/** The plugins that may claim a connection, those that name one of its ports first. */
export function candidatesFor<P extends Inferable>(
  plugins: readonly P[],
  connection: Pick<ConnectionInfo, 'transport' | 'local' | 'remote'>,
): readonly P[] {
  const able = plugins.filter((plugin) => carries(plugin, connection.transport));
  const byPort = (plugin: P): number =>
    plugin.inference.ports?.some(
      (port) => port === connection.local.port || port === connection.remote.port,
    )
      ? 0
      : 1;
  return able.sort((a, b) => byPort(a) - byPort(b));
}

function carries(plugin: Inferable, transport: Transport): boolean {
  return plugin.transports.includes(transport);
}

/** Asks every candidate in turn. */
export function matchAll<P extends Inferable>(
  candidates: readonly P[],
  view: ByteView,
  totalLength: number,
  side: Side | undefined,
): MatchResult<P> {
  const matches: Match<P>[] = [];
  let short = false;
  for (const plugin of candidates) {
    const match = matchPlugin(plugin, view, totalLength, side);
    if (match === undefined) continue;
    if (match === 'short') short = true;
    else if (match.strength === 'certain') return { matches: [match], short: false };
    else matches.push(match);
  }
  return { matches, short };
}

/** First bytes that the rules of these plugins can look at. */
export function inferenceReach(plugins: readonly Inferable[]): number {
  let most = 0;
  for (const plugin of plugins) {
    for (const rule of plugin.inference.rules) most = Math.max(most, reach(rule.when));
  }
  return most;
}

/** Bytes that are kept of a call that may have read a header only: the most that a plugin asks for; 0: none does. */
export function carriedHeaderBytes(plugins: readonly Inferable[]): number {
  return Math.max(0, ...plugins.map(({ inference }) => inference.carryHeaderBytes ?? 0));
}
