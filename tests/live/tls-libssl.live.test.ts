// SPDX-License-Identifier: Apache-2.0
// A program over libssl that uses it in every way there is: descriptors and BIOs, blocking and not, memory BIOs; partial
// reads, peeks, `_ex`; new keys in the middle; objects that serve one connection after the other.
import { expect } from 'vitest';
import {
  runLibssl,
  startLibsslClient,
  startLibsslPair,
  startLibsslServer,
  type LibsslOptions,
} from './harness/libssl-peer.js';
import { live } from './harness/requirements.js';
import { callsTold, expectPairs, expectTlsCalls, type TlsCall } from './harness/tls-calls.js';
import { expectTlsAccounted, traceTls } from './harness/tls-tracing.js';
import { guestKernel } from './harness/time-scale.js';

const needs = ['openssl', 'gcc'];
const COUNT = guestKernel === undefined ? 60 : 15;
const AT_ONCE = 3;

/** Traces a client and a server that use the library in the same way. */
async function trace(
  options: LibsslOptions,
  change: (call: TlsCall) => TlsCall = (call) => call,
): Promise<void> {
  const server = await startLibsslServer(options);
  const client = await startLibsslClient(options);
  const tracing = await traceTls([...server.pids, client.pid]);
  const told = await runLibssl(client, server.port, 1, COUNT, AT_ONCE);
  expect(told).toHaveLength(COUNT);
  const calls = callsTold(told).map(change);
  const records = await tracing.take(2 * COUNT);
  expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
  expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
  expectPairs(records, COUNT);
  const { pipeline } = await expectTlsAccounted(tracing);
  const sockets = new Set(calls.map(({ clientPort }) => clientPort));
  const objects = options.io === 'nested' ? 2 : 1;
  expect(pipeline.plaintextConnections).toBe(2 * objects * sockets.size);
}

/** Emulated machines are slow: there, one of each kind will do. */
const inGuest = guestKernel !== undefined;
const few = <const T>(all: readonly T[], inGuests: readonly NoInfer<T>[]): readonly T[] =>
  inGuest ? inGuests : all;

for (const tls of few(['1.2', '1.3'] as const, ['1.3'])) {
  for (const io of few(['fd', 'bio', 'poll', 'memory'] as const, ['bio', 'memory'])) {
    live(`libssl: io ${io}, TLS ${tls}, three connections at once`, needs, () =>
      trace({ io, tls }),
    );
  }
}

for (const tls of few(['1.2', '1.3'] as const, ['1.2'])) {
  for (const io of few(['fd', 'bio', 'poll', 'memory'] as const, ['poll'])) {
    live(`libssl: io ${io}, TLS ${tls}, new keys before every fourth request`, needs, () =>
      trace({ io, tls, renegotiate: 4 }),
    );
  }
}

for (const tls of few(['1.2', '1.3'] as const, ['1.3'])) {
  for (const object of few(['new', 'clear'] as const, ['clear'])) {
    live(`libssl: TLS ${tls}, object ${object} for every fifth request`, needs, () =>
      trace({ tls, object, perConnection: 5 }),
    );
  }
}

for (const io of few(['fd', 'memory'] as const, ['fd'])) {
  for (const read of few(['ex', 'peek', 'small'] as const, ['ex', 'peek'])) {
    const write = read === 'ex' ? 'ex' : 'plain';
    live(`libssl: io ${io}, read ${read}, write ${write}`, needs, () => trace({ io, read, write }));
  }
}

for (const io of ['nested', 'jump'] as const) {
  const how = io === 'nested' ? 'TLS in TLS' : 'every read is left by longjmp once';
  live(`libssl: ${how}`, needs, () => trace({ io }));
}

live('libssl: messages of many records through small socket buffers', needs, () =>
  trace({ io: 'poll', size: 90_000, body: 80_000, sendBuffer: 4096 }, (call) => ({
    ...call,
    requestBody: call.operation === 'POST' ? 80_000 : 0,
  })),
);

live('libssl: both ends in one process', needs, async () => {
  const pair = await startLibsslPair();
  const tracing = await traceTls(pair.pids);
  const calls = callsTold(await runLibssl(pair.program, pair.port, 1, COUNT, AT_ONCE));
  const records = await tracing.take(2 * COUNT);
  expectTlsCalls(records, calls, { role: 'client', pids: pair.pids, serverPort: pair.port });
  expectTlsCalls(records, calls, { role: 'server', pids: pair.pids, serverPort: pair.port });
  expectPairs(records, COUNT);
  await expectTlsAccounted(tracing);
});

live('libssl: connections that were in the middle of it', needs, async () => {
  const server = await startLibsslServer({ io: 'poll' });
  const client = await startLibsslClient({ io: 'poll', perConnection: 10 });
  const first = runLibssl(client, server.port, 1, 1);
  await first;
  const tracing = await traceTls([...server.pids, client.pid]);
  const calls = callsTold(await runLibssl(client, server.port, 2, COUNT));
  const records = await tracing.take(2 * COUNT);
  expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
  expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
  await expectTlsAccounted(tracing);
});
