// SPDX-License-Identifier: Apache-2.0
import type { Missing, Transport } from '@libtrace/core';
import { expectCalls, expectedCalls, type Viewpoint } from './expected-calls.js';
import { PeerClient, peerPath, startServer, type PeerOptions, type PeerServer } from './peer.js';
import { Tracing } from './tracing.js';

/** A conversation between our client and our server, seen from both sides. */
export interface Scenario {
  /** Appears in the paths. */
  readonly name: string;
  /** Requests on each connection. */
  readonly count: number;
  readonly client?: PeerOptions;
  readonly server?: PeerOptions;
  /** What the records of a side say to be missing; default: nothing. */
  readonly clientMissing?: readonly Missing[];
  readonly serverMissing?: readonly Missing[];
  readonly transport?: Transport;
}

/** What records of a side say of process and connection. */
export function viewpoint(
  role: 'client' | 'server',
  pids: readonly number[],
  port: number,
  address = '127.0.0.1',
): Viewpoint {
  const path = address.startsWith('unix:') ? address.slice(5) : undefined;
  return {
    role,
    pids,
    comm: 'peer',
    exe: peerPath(),
    transport: path === undefined ? 'tcp' : 'unix',
    address: path ?? address,
    serverPort: port,
  };
}

/** Runs a conversation under a tracer and checks every record of both sides. */
export async function play(tracing: Tracing, scenario: Scenario): Promise<PeerServer> {
  const address = scenario.server?.address ?? '127.0.0.1';
  const server = await startServer(scenario.server);
  const client = new PeerClient(scenario.name, server, {
    ...scenario.client,
    address,
    ...(scenario.server?.size === undefined ? {} : { size: scenario.server.size }),
  });
  tracing.addPids(server.pid, client.pid);
  await client.connect();
  await client.run(1, scenario.count);
  await client.close();

  const calls = expectedCalls(
    scenario.name,
    client.ports,
    1,
    scenario.count,
    scenario.client,
    scenario.server,
  );
  const records = await tracing.take(2 * calls.length);
  await tracing.expectAccounted();
  expectCalls(
    records,
    calls.map((call) => ({ ...call, missing: scenario.clientMissing ?? [] })),
    viewpoint('client', [client.pid], server.port, address),
  );
  const servers = server.workers.length > 0 ? server.workers : [server.pid];
  expectCalls(
    records,
    calls.map((call) => ({ ...call, missing: scenario.serverMissing ?? [] })),
    viewpoint('server', servers, server.port, address),
  );
  return server;
}
