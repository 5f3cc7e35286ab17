// SPDX-License-Identifier: Apache-2.0
import type { Endpoint, TraceRecord } from '@libtrace/core';
import { displayWidth, escapeText, truncate } from './terminal-text.js';

/** What is shown of an end that is not known: plaintext whose socket was not found. */
const unknownEndpoint = '?';

/**
 * `address:port` with IPv6 in brackets; a unix socket by its path, or `unix` when it has none; `?` when nothing is known.
 * Escaped.
 */
export function formatEndpoint({ address, port }: Endpoint, transport: string): string {
  if (transport === 'unix') return address === '' ? 'unix' : escapeText(address);
  if (transport === 'tls' && port === 0) {
    // Above a unix socket, or above none that is known.
    return address === '' ? unknownEndpoint : escapeText(address);
  }
  const shown = address === '' ? unknownEndpoint : escapeText(address);
  return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

/** The other end as the traced process sees it; a unix socket's only name is the server's. */
export function formatPeer(record: Pick<TraceRecord, 'role' | 'connection'>): string {
  const { client, server, transport } = record.connection;
  const peer = record.role === 'server' ? client : server;
  if (peer.address === '' && peer.port === 0) {
    return formatEndpoint(client.address === '' ? server : client, transport);
  }
  return formatEndpoint(peer, transport);
}

/** Cuts an endpoint to `width` columns but keeps its port. */
export function truncateEndpoint(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const port = /\]?:\d+$/.exec(text)?.[0] ?? '';
  return port.length + 2 > width
    ? truncate(text, width)
    : truncate(text.slice(0, text.length - port.length), width - port.length) + port;
}
