// SPDX-License-Identifier: Apache-2.0
// Kafka: kafkajs and kcat (librdkafka) against librdkafka's mock cluster, and against a real Kafka 0.9. What the clients
// say to have asked is what is recorded, on both sides.
import { fileURLToPath } from 'node:url';
import type { TraceRecord } from '@libtrace/core';
import { kafka } from '@libtrace/proto-kafka';
import { expect, onTestFinished } from 'vitest';
import { live, programPath } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { guestKernel, timeScale, until } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';
import { startKafka, startMockCluster, type Brokers } from './programs/kafka-servers.js';

const clientPath = fileURLToPath(new URL('programs/kafka-client.mjs', import.meta.url));
const MESSAGES = 10_000;

/** What a client says of a request that was answered. */
interface Answered {
  readonly apiName: string;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly port: number;
}
interface Said {
  readonly requests: readonly Answered[];
  readonly error?: string;
}

/** programs/kafka-client.mjs. */
class Client {
  readonly program: StartedProgram;
  readonly id: string;
  readonly requests: Answered[] = [];

  private constructor(program: StartedProgram, id: string) {
    this.program = program;
    this.id = id;
  }

  static async started(brokers: Brokers, id: string): Promise<Client> {
    const args = [clientPath, brokers.addresses, id, String(timeScale)];
    const program = new StartedProgram(process.execPath, args);
    onTestFinished(() => program.stop());
    await program.line();
    return new Client(program, id);
  }

  async ask<T extends object>(order: string): Promise<T> {
    this.program.child.stdin!.write(`${order}\n`);
    const said = JSON.parse(await this.program.line(100_000)) as T & Said;
    expect(said.error).toBeUndefined();
    this.requests.push(...said.requests);
    return said;
  }
}

const traced = (): Promise<Tracing> =>
  Tracing.attached({ plugins: [kafka()], ringBytes: 32 * 1024 * 1024 });

/** One line for each request: what both sides can say of it. */
const lineOf = ({ attributes, operation, connection }: TraceRecord): string =>
  `${operation} v${String(attributes['libtrace.kafka.api_version'])} #${String(attributes['libtrace.kafka.correlation_id'])} to ${connection.server.port}`;
/** kafkajs has an old name. */
const apiName = (name: string): string => (name === 'GroupCoordinator' ? 'FindCoordinator' : name);
const asLines = (requests: readonly Answered[]): string[] =>
  requests
    .map((r) => `${apiName(r.apiName)} v${r.apiVersion} #${r.correlationId} to ${r.port}`)
    .sort();

const ofClient = (records: readonly TraceRecord[], id: string, role: string): TraceRecord[] =>
  records.filter((r) => r.role === role && r.attributes['messaging.client.id'] === id);

/** Every request that was answered has one record, and it lacks nothing. */
function expectRequests(records: readonly TraceRecord[], requests: readonly Answered[]): void {
  const answered = records.filter(({ status }) => status !== 'unanswered');
  expect(answered.map(lineOf).sort()).toEqual(asLines(requests));
  expect(answered.filter(({ complete }) => !complete).map((r) => [lineOf(r), r.missing])).toEqual(
    [],
  );
  // A client that goes leaves its last fetches behind.
  const left = records.filter(({ status }) => status === 'unanswered').map((r) => r.operation);
  expect(left.filter((operation) => operation !== 'Fetch')).toEqual([]);
}

function messagesOf(records: readonly TraceRecord[], operation: string): number {
  return records
    .filter((record) => record.operation === operation)
    .reduce((sum, r) => sum + Number(r.attributes['messaging.batch.message_count'] ?? 0), 0);
}

live('kafkajs produces and consumes 10,000 messages', ['kcat'], async () => {
  const brokers = await startMockCluster();
  const producer = await Client.started(brokers, 'producer');
  const consumer = await Client.started(brokers, 'consumer');
  const tracing = await traced();
  tracing.addPids(brokers.pid, producer.program.pid, consumer.program.pid);
  await producer.ask(`produce orders ${MESSAGES} 100 -1`);
  await producer.ask('close');
  const { count } = await consumer.ask<{ count: number }>(`consume orders ${MESSAGES} readers`);
  expect(count).toBe(MESSAGES);

  const records = await tracing.takeRest();
  for (const role of ['client', 'server']) {
    const produced = ofClient(records, 'producer', role);
    expectRequests(produced, producer.requests);
    expect(messagesOf(produced, 'Produce')).toBe(MESSAGES);
    const consumed = ofClient(records, 'consumer', role);
    expectRequests(consumed, consumer.requests);
    expect(messagesOf(consumed, 'Fetch')).toBe(MESSAGES);
    for (const record of [...produced, ...consumed]) {
      if (record.status !== 'unanswered') expect(record.status, lineOf(record)).toBe('ok');
      if (record.operation === 'Produce')
        expect(record.attributes['messaging.destination.name']).toBe('orders');
      if (['JoinGroup', 'Heartbeat', 'OffsetCommit'].includes(record.operation))
        expect(record.attributes['messaging.consumer.group.name']).toBe('readers');
    }
  }
  await tracing.expectAccounted();
});

for (const writes of [1, 100]) {
  const how = writes === 1 ? 'one write' : `${writes} writes`;
  live(`100 requests in flight on one connection, sent in ${how}`, ['kcat'], async () => {
    const brokers = await startMockCluster(1);
    const client = await Client.started(brokers, 'pipeliner');
    const tracing = await traced();
    tracing.addPids(brokers.pid, client.program.pid);
    const { answered } = await client.ask<{ answered: number[] }>(`pipeline 100 ${writes}`);
    expect(answered).toHaveLength(100);
    const records = await tracing.takeRest();
    const expected = answered
      .map((id) => `${id % 2 === 1 ? 'ApiVersions' : 'Metadata'} v0 #${id} to ${brokers.ports[0]!}`)
      .sort();
    for (const role of ['client', 'server']) {
      const seen = ofClient(records, 'pipeliner', role);
      expect(seen.map(lineOf).sort(), role).toEqual(expected);
      expect(seen.filter(({ complete, status }) => !complete || status !== 'ok')).toEqual([]);
    }
    await tracing.expectAccounted();
  });
}

live('requests that ask for no answer', ['kcat'], async () => {
  const brokers = await startMockCluster(1);
  const client = await Client.started(brokers, 'careless');
  const tracing = await traced();
  tracing.addPids(brokers.pid, client.program.pid);
  await client.ask('produce noise 50 5 0');
  await client.ask('produce noise 20 10 1');
  await client.ask('close');
  const records = await tracing.takeRest();
  for (const role of ['client', 'server']) {
    const produced = ofClient(records, 'careless', role).filter((r) => r.operation === 'Produce');
    const withAcks = (acks: number): unknown[] =>
      produced
        .filter((record) => record.attributes['libtrace.kafka.acks'] === acks)
        .map((r) => [r.status, r.complete, r.attributes['messaging.destination.name']]);
    expect(withAcks(0)).toEqual(withAcks(0).map(() => ['unknown', true, 'noise']));
    expect(withAcks(1)).toEqual(withAcks(1).map(() => ['ok', true, 'noise']));
    expect(withAcks(0).length + withAcks(1).length).toBe(produced.length);
    expect(messagesOf(produced, 'Produce')).toBe(70);
  }
  expect(records.filter(({ operation }) => operation === 'UNKNOWN')).toEqual([]);
  await tracing.expectAccounted();
});

live('connections that are older than the tracer', ['kcat'], async () => {
  const brokers = await startMockCluster(1);
  const client = await Client.started(brokers, 'early');
  await client.ask('produce orders 30 3 -1');
  client.requests.length = 0;
  const tracing = await traced();
  tracing.addPids(brokers.pid, client.program.pid);
  await client.ask('produce orders 60 3 -1');
  await client.ask('close');
  const records = await tracing.takeRest();
  for (const role of ['client', 'server']) {
    const seen = ofClient(records, 'early', role);
    expectRequests(seen, client.requests);
    expect(messagesOf(seen, 'Produce')).toBe(60);
  }
  await tracing.expectAccounted();
});

/** What kcat says with `-d protocol` to have sent, and to have received an answer to. */
function protocolLog(program: StartedProgram, direction: 'Sent' | 'Received'): string[] {
  const kind = direction === 'Sent' ? 'Request' : 'Response';
  const line = new RegExp(
    `\\[thrd:[^\\]]*?:(\\d+)/[^\\]]*\\]: [^\\n]*?: ${direction} (\\w+)${kind} \\(v(\\d+), [^\\n]*?CorrId (\\d+)`,
    'g',
  );
  const names: Record<string, string> = { ApiVersion: 'ApiVersions' };
  return [...program.errors.matchAll(line)]
    .map(
      ([, port, name, version, id]) => `${names[name!] ?? name!} v${version!} #${id!} to ${port!}`,
    )
    .sort();
}

interface KcatRun {
  readonly args: readonly string[];
  readonly input?: string;
}

/** Runs kcat under the tracer from its first call on, and waits for its end. */
async function kcat(tracing: Tracing, brokers: Brokers, run: KcatRun): Promise<StartedProgram> {
  const program = StartedProgram.held([
    programPath('kcat')!,
    ...['-b', brokers.addresses, '-d', 'protocol', '-X', 'client.id=kcat', '-q', ...run.args],
  ]);
  tracing.addPids(brokers.pid, program.pid);
  program.release();
  if (run.input !== undefined) program.child.stdin!.write(run.input);
  program.child.stdin!.end();
  await program.ended();
  return program;
}

const messages = Array.from({ length: MESSAGES }, (_, i) => `message ${i}\n`).join('');

live('kcat produces and consumes 10,000 messages', ['kcat'], async () => {
  const brokers = await startMockCluster(2);
  const tracing = await traced();
  const producer = await kcat(tracing, brokers, {
    // The mock reads what there is: as many requests as fit into what is captured of one call.
    args: ['-P', '-t', 'kcat', '-X', 'batch.num.messages=100', '-X', 'max.in.flight=20'],
    input: messages,
  });
  const produced = await tracing.takeRest();
  const consumer = await kcat(tracing, brokers, {
    // Answers that fit into what is captured of one call.
    args: ['-C', '-t', 'kcat', '-o', 'beginning', '-e', '-X', 'fetch.message.max.bytes=30000'],
  });
  expect((await consumer.output()).split('\n')).toHaveLength(MESSAGES);
  const consumed = await tracing.takeRest();
  for (const role of ['client', 'server']) {
    for (const [records, program] of [
      [produced, producer],
      [consumed, consumer],
    ] as const) {
      const seen = ofClient(records, 'kcat', role);
      const answered = seen.filter(({ status }) => status !== 'unanswered');
      expect(answered.map(lineOf).sort(), role).toEqual(protocolLog(program, 'Received'));
      expect(seen.map(lineOf).sort(), role).toEqual(protocolLog(program, 'Sent'));
      expect(answered.filter(({ complete }) => !complete)).toEqual([]);
    }
    expect(messagesOf(ofClient(produced, 'kcat', role), 'Produce')).toBe(MESSAGES);
    expect(messagesOf(ofClient(consumed, 'kcat', role), 'Fetch')).toBe(MESSAGES);
  }
  await tracing.expectAccounted();
});

// In an emulated guest, two Java virtual machines would start for minutes.
if (guestKernel === undefined) {
  live(
    'kcat and a real Kafka 0.9, which reads the size of a message by itself',
    ['kcat', 'java'],
    async () => {
      const brokers = await startKafka();
      const tracing = await traced();
      const old = ['-X', 'broker.version.fallback=0.9.0.1', '-X', 'api.version.request=false'];
      const producer = await kcat(tracing, brokers, {
        args: [...old, '-P', '-t', brokers.topic, '-p', '0', '-X', 'batch.num.messages=100'],
        input: messages,
      });
      const produced = await tracing.takeRest();
      const limits = ['-X', 'fetch.message.max.bytes=30000'];
      const consumer = await kcat(tracing, brokers, {
        args: [...old, ...limits, '-C', '-t', brokers.topic, '-p', '0', '-o', 'beginning', '-e'],
      });
      expect((await consumer.output()).split('\n')).toHaveLength(MESSAGES);
      const consumed = await tracing.takeRest();
      for (const [records, program] of [
        [produced, producer],
        [consumed, consumer],
      ] as const) {
        const client = ofClient(records, 'kcat', 'client');
        const received = protocolLog(program, 'Received');
        expect(
          client
            .filter((r) => r.status !== 'unanswered')
            .map(lineOf)
            .sort(),
        ).toEqual(received);
        expect(client.filter((r) => r.status !== 'unanswered' && !r.complete)).toEqual([]);
        const server = ofClient(records, 'kcat', 'server');
        expect(
          server
            .filter((r) => r.status !== 'unanswered')
            .map(lineOf)
            .sort(),
        ).toEqual(expect.arrayContaining(received));
      }
      expect(messagesOf(ofClient(produced, 'kcat', 'client'), 'Produce')).toBe(MESSAGES);
      expect(messagesOf(ofClient(produced, 'kcat', 'server'), 'Produce')).toBe(MESSAGES);
      expect(messagesOf(ofClient(consumed, 'kcat', 'client'), 'Fetch')).toBe(MESSAGES);
      // The broker has the kernel send records from its disk: their number is not seen there, and nothing else is missing.
      const received = protocolLog(consumer, 'Received');
      const fetches = ofClient(consumed, 'kcat', 'server').filter(
        (record) => record.operation === 'Fetch' && received.includes(lineOf(record)),
      );
      expect(fetches.length).toBeGreaterThan(5);
      for (const { attributes, missing } of fetches) {
        expect(attributes['libtrace.kafka.error_code']).toBe(0);
        expect(missing).toEqual(
          attributes['libtrace.kafka.record_bytes'] === 0 ? [] : ['response.body'],
        );
      }
      // The controller speaks to its own broker, too.
      await until('the controller was heard', () =>
        [...produced, ...consumed].some(
          ({ operation, role }) => operation === 'UpdateMetadata' && role === 'server',
        ),
      );
      await tracing.expectAccounted();
    },
    180_000 * timeScale,
  );
}
