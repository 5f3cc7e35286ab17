// SPDX-License-Identifier: Apache-2.0
// gRPC of @grpc/grpc-js: every call is one record on each side, with its status and the number of its messages.
import type { TraceRecord } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { expect } from 'vitest';
import { live } from './harness/requirements.js';
import type { StartedProgram } from './harness/started-program.js';
import { timeScale } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';
import { startPeers } from './programs/h2-servers.js';

interface Peers {
  readonly server: StartedProgram;
  readonly client: StartedProgram;
  readonly tracing: Tracing;
}

async function started(): Promise<Peers> {
  const { server, client, port } = await startPeers('grpc-peer.mjs');
  const tracing = await Tracing.attached({ plugins: [http()], ringBytes: 32 * 1024 * 1024 });
  tracing.addPids(server.pid, client.pid);
  await client.ask(`open ${port}`);
  return { server, client, tracing };
}

const told = (records: readonly TraceRecord[], role: string): unknown[] =>
  records
    .filter((record) => record.role === role)
    .map(({ operation, status, complete, attributes }) => [
      operation,
      status,
      attributes['rpc.grpc.status_code'],
      attributes['libtrace.grpc.request_messages'],
      attributes['libtrace.grpc.response_messages'],
      complete,
    ]);

live('1,000 unary calls', [], async () => {
  const { server, client, tracing } = await started();
  const statuses = await client.ask<number[]>('unary 1000');
  expect(statuses).toEqual(Array.from({ length: 1000 }, () => 0));
  const records = await tracing.take(2000);
  for (const [role, program] of [
    ['client', client],
    ['server', server],
  ] as const) {
    expect(told(records, role)).toEqual(
      Array.from({ length: 1000 }, () => ['live.v1.Echo/Unary', 'ok', 0, 1, 1, true]),
    );
    records
      .filter((record) => record.role === role)
      .forEach(({ process, attributes }, i) => {
        expect(process.pid).toBe(program.pid);
        expect(attributes).toMatchObject({
          'rpc.system': 'grpc',
          'rpc.service': 'live.v1.Echo',
          'rpc.method': 'Unary',
          'http.request.method': 'POST',
          'http.response.status_code': 200,
          'http.request.body.size': 5 + `call ${i}`.length,
          'http.response.body.size': 5 + `call ${i}`.length,
        });
      });
  }
  await tracing.expectAccounted();
});

live('streams of messages, in either direction and in both', [], async () => {
  const { client, tracing } = await started();
  for (const count of [0, 1, 200]) {
    expect(await client.ask(`collect ${count}`)).toBe(count);
    expect(await client.ask(`expand ${count}`)).toBe(count);
    expect(await client.ask(`chat ${count}`)).toBe(0);
    const records = await tracing.take(6);
    for (const role of ['client', 'server']) {
      expect(told(records, role)).toEqual([
        ['live.v1.Echo/Collect', 'ok', 0, count, 1, true],
        ['live.v1.Echo/Expand', 'ok', 0, 1, count, true],
        ['live.v1.Echo/Chat', 'ok', 0, count, count, true],
      ]);
    }
  }
  await tracing.expectAccounted();
});

live('calls that fail, are cancelled, or take too long', [], async () => {
  const { client, tracing } = await started();
  for (const code of [3, 5, 13, 14, 16]) expect(await client.ask(`error ${code}`)).toBe(code);
  expect(await client.ask('cancel')).toBe(1);
  expect(await client.ask(`deadline ${100 * timeScale}`)).toBe(4);
  const records = await tracing.take(14);
  for (const role of ['client', 'server']) {
    const failed = [
      [3, 'client-error'],
      [5, 'client-error'],
      [13, 'server-error'],
      [14, 'server-error'],
      [16, 'client-error'],
    ] as const;
    const all = told(records, role);
    expect(all.slice(0, 5)).toEqual(
      failed.map(([code, status]) => ['live.v1.Echo/Unary', status, code, 1, 0, true]),
    );
    const ended = records.filter((record) => record.role === role).slice(5);
    expect(ended).toHaveLength(2);
    expect(ended[0]).toMatchObject({
      operation: 'live.v1.Echo/Unary',
      status: 'client-error',
      attributes: {
        'libtrace.http.reset_code': 'CANCEL',
        'libtrace.http.reset_by': 'client',
        'libtrace.grpc.request_messages': 1,
      },
    });
    // whose deadline passes first, the client's or the server's, is not certain
    const { status, attributes } = ended[1]!;
    if (attributes['rpc.grpc.status_code'] === undefined) {
      expect([status, attributes['libtrace.http.reset_by']]).toEqual(['client-error', 'client']);
    } else {
      expect([status, attributes['rpc.grpc.status_code']]).toEqual(['server-error', 4]);
    }
  }
  await tracing.expectAccounted();
});
