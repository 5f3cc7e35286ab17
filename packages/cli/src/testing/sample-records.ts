// SPDX-License-Identifier: Apache-2.0
import type { BinaryStatus, TracerReport, TracerStats } from '@libtrace/core';
import type { AnyRecord } from '../format/record-parts.js';

/** What a test changes of the sample; nested objects are merged. */
export interface RecordChanges extends Partial<Omit<AnyRecord, 'process' | 'connection'>> {
  readonly process?: Partial<AnyRecord['process']>;
  readonly connection?: Partial<AnyRecord['connection']>;
}

/** A whole `GET /products/3` as its client saw it, with what a test changes. */
export function sampleRecord(changes: RecordChanges = {}): AnyRecord {
  const missing = changes.missing ?? [];
  return {
    protocol: 'http',
    operation: 'GET',
    status: 'ok',
    startNs: 1_000_000_000,
    startTime: '2026-03-04T05:06:07.123456789Z',
    durationMs: 1.234,
    role: 'client',
    source: 'syscall',
    requestBytes: 78,
    responseBytes: 1234,
    attributes: {
      'http.request.method': 'GET',
      'url.path': '/products/3',
      'url.scheme': 'http',
      'http.response.status_code': 200,
      'http.request.body.size': 0,
      'http.response.body.size': 1000,
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
    },
    ...changes,
    missing,
    complete: missing.length === 0,
    process: {
      pid: 4321,
      ppid: 1,
      tid: 4321,
      comm: 'curl',
      exe: '/usr/bin/curl',
      cgroup: '/',
      ...changes.process,
    },
    connection: {
      id: 7,
      transport: 'tcp',
      client: { address: '127.0.0.1', port: 40_000 },
      server: { address: '127.0.0.1', port: 8080 },
      ...changes.connection,
    },
  };
}

/** Counters of a trace that saw something and lost nothing. */
export function sampleStats(): TracerStats {
  return {
    kernel: {
      segmentsSeen: 10,
      bytesSeen: 5000,
      segmentsDelivered: 10,
      bytesDelivered: 5000,
      segmentsLost: { ring: 0, ignored: 0, connections: 0, internal: 0, covered: 0, begun: 0 },
      eventsLost: 0,
      runsMissed: 0,
      compatCalls: 0,
      connectionsForgotten: 0,
    },
    pipeline: {
      segments: 10,
      bytes: 5000,
      straySegments: 0,
      connections: 0,
      encryptedConnections: 0,
      plaintextConnections: 0,
      unboundConnections: 0,
      unrecognizedConnections: 0,
      records: 5,
      incompleteRecords: 0,
      holes: {},
      resyncs: 0,
      cappedBytes: 0,
      pluginFailures: 0,
      openConnections: 0,
      bufferedBytes: 0,
    },
    recordsDropped: 0,
    readerCpuNs: 0,
  };
}

/** One hook that is attached and an optional one that is not. */
export function sampleReport(): TracerReport {
  return {
    hooks: [
      { program: 'enter_read', hook: 'syscalls/sys_enter_read', attached: true, optional: false },
      {
        program: 'set_state',
        hook: 'sock/inet_sock_set_state',
        attached: false,
        optional: true,
        reason: 'the tracepoint does not exist',
        remedy: 'none needed: roles come from accept and connect',
      },
    ],
    programs: [
      {
        name: 'enter_read',
        loaded: true,
        instructions: 321,
        processed: 1234,
        loadMs: 1.5,
        runCount: 0,
        runTimeNs: 0,
      },
    ],
    maps: [
      { name: 'ring', bytes: 8_388_608 },
      { name: 'connections', bytes: 1_048_576 },
    ],
    loadMs: 12,
    binaries: [],
  };
}

/** A library that is probed. */
export function sampleBinary(): BinaryStatus {
  return {
    path: '/opt/app/libssl.so.3',
    source: 'openssl',
    summary: 'OpenSSL 3.0.15, dynamic symbols',
    details: ['build id 0123abcd'],
    attached: true,
    probes: [
      {
        program: 'write_enter',
        place: 'SSL_write',
        fileOffset: 0x35a10,
        kind: 'entry',
        instruction: 'push rbp',
        why: 'emulated; 4 bytes in, past endbr64',
        attached: true,
      },
      {
        program: 'write_exit',
        place: 'SSL_write',
        fileOffset: 0x35b02,
        kind: 'site',
        instruction: 'ret',
        why: 'single-stepped: return probes are not safe here',
        attached: true,
      },
    ],
    processes: 1,
  };
}
