// SPDX-License-Identifier: Apache-2.0
import type { BinaryStatus, TracerStats } from '@libtrace/core';
import { escapeText } from '../format/terminal-text.js';
import { formatCount, plural } from '../format/units.js';

/** What is known of the programs that speak TLS when a trace ends. */
export interface TlsFacts {
  /** Names of the sources of plaintext that were active. */
  readonly sources: readonly string[];
  /** Files that they wanted. */
  readonly binaries: readonly BinaryStatus[];
  /** Only some processes were looked into (`--tls-match`). */
  readonly isSelective: boolean;
  /** `--no-tls`. */
  readonly isOff: boolean;
}

/** Nothing was looked into, and nobody said so: the demo. */
export const withoutSources: TlsFacts = {
  sources: [],
  binaries: [],
  isSelective: false,
  isOff: false,
};

const shownFiles = 3;
const inspect = 'see libtrace doctor --binary FILE';

/** Connections that stayed encrypted, with the reason and what to do; those whose socket was not found. */
export function describeEncrypted(
  pipeline: TracerStats['pipeline'],
  facts: TlsFacts,
): readonly string[] {
  const { encryptedConnections } = pipeline;
  const unbound = describeUnbound(pipeline);
  if (encryptedConnections === 0) return unbound;
  const count = plural(encryptedConnections, 'connection');
  return [`${count} stayed encrypted: ${reason(facts)}`, ...unbound];
}

/** Connections above TLS whose socket was not found. */
export function describeUnbound(pipeline: TracerStats['pipeline']): readonly string[] {
  const { plaintextConnections, unboundConnections } = pipeline;
  if (unboundConnections === 0) return [];
  const one = unboundConnections === 1;
  return [
    `${formatCount(unboundConnections)} of ${plural(plaintextConnections, 'TLS connection')} ` +
      `${one ? 'is' : 'are'} shown without addresses: ${one ? 'its socket was' : 'their sockets were'} not found`,
  ];
}

function reason(facts: TlsFacts): string {
  const { sources, isOff, isSelective } = facts;
  if (isOff) return '--no-tls turned off what looks into programs';
  if (sources.length === 0) return 'no source of plaintext is active (see libtrace plugins)';
  const failed = failures(facts.binaries);
  if (failed.length > 0) return `${failed.join('; ')}; ${inspect}`;
  const others = isSelective ? ', or --tls-match leaves their processes out' : '';
  const [only] = sources;
  const who =
    sources.length === 1 ? `${only!} does not know` : `neither ${sources.join(' nor ')} knows`;
  return `${who} their TLS library${others}; ${inspect}`;
}

/** Files that could not be probed: `/usr/bin/node (openssl): no symbol SSL_read`. Those in use first. */
function failures(binaries: readonly BinaryStatus[]): string[] {
  const failed = binaries
    .filter(({ attached, reason: why }) => !attached && why !== undefined)
    .sort((one, other) => other.processes - one.processes);
  const shown = failed
    .slice(0, shownFiles)
    .map(({ path, source, reason: why }) => escapeText(`${path} (${source}): ${why!}`));
  const rest = failed.length - shown.length;
  return rest > 0 ? [...shown, plural(rest, 'more file')] : shown;
}
