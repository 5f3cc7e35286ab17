// SPDX-License-Identifier: Apache-2.0
import type { BinaryStatus } from '@libtrace/core';
import { describe, expect, it } from 'vitest';
import { sampleBinary, sampleStats } from '../testing/sample-records.js';
import { describeEncrypted, withoutSources, type TlsFacts } from './encrypted.js';

const active: TlsFacts = { ...withoutSources, sources: ['openssl', 'go'] };

function describeWith(
  counts: { encrypted?: number; plaintext?: number; unbound?: number },
  facts: TlsFacts = active,
): readonly string[] {
  return describeEncrypted(
    {
      ...sampleStats().pipeline,
      encryptedConnections: counts.encrypted ?? 0,
      plaintextConnections: counts.plaintext ?? 0,
      unboundConnections: counts.unbound ?? 0,
    },
    facts,
  );
}

function failed(path: string, reason: string, processes = 0): BinaryStatus {
  return { ...sampleBinary(), path, attached: false, reason, processes };
}

describe('describeEncrypted', () => {
  it('says nothing when everything was seen', () => {
    expect(describeWith({ plaintext: 9 })).toEqual([]);
  });

  it('names files that could not be probed, those in use first, and what to do', () => {
    const binaries = [
      sampleBinary(),
      failed('/opt/a', 'stripped'),
      failed('/opt/b\u001b[1m', 'no symbol SSL_read', 2),
    ];
    expect(describeWith({ encrypted: 3 }, { ...active, binaries })).toEqual([
      '3 connections stayed encrypted: /opt/b\\x1b[1m (openssl): no symbol SSL_read; ' +
        '/opt/a (openssl): stripped; see libtrace doctor --binary FILE',
    ]);
  });

  it('does not name all of many', () => {
    const binaries = Array.from({ length: 6 }, (_, index) => failed(`/opt/${index}`, 'stripped'));
    const [line] = describeWith({ encrypted: 1 }, { ...active, binaries });
    expect(line).toMatch(/^1 connection stayed encrypted: .*\/opt\/2 .*; 3 more files; see /);
    expect(line).not.toContain('/opt/3');
  });

  it('says when no file was to blame', () => {
    expect(describeWith({ encrypted: 2 })[0]).toBe(
      '2 connections stayed encrypted: neither openssl nor go knows their TLS library; ' +
        'see libtrace doctor --binary FILE',
    );
    expect(describeWith({ encrypted: 2 }, { ...active, isSelective: true })[0]).toContain(
      'or --tls-match leaves their processes out',
    );
  });

  it('says when it was the user’s will, or nothing was active', () => {
    const off = { ...withoutSources, isOff: true };
    expect(describeWith({ encrypted: 1 }, off)[0]).toContain('--no-tls');
    expect(describeWith({ encrypted: 1 }, withoutSources)[0]).toContain('no source');
  });

  it('counts connections whose socket was not found', () => {
    expect(describeWith({ plaintext: 1200, unbound: 2 })).toEqual([
      '2 of 1,200 TLS connections are shown without addresses: their sockets were not found',
    ]);
    expect(describeWith({ plaintext: 1, unbound: 1 })).toEqual([
      '1 of 1 TLS connection is shown without addresses: its socket was not found',
    ]);
  });
});
