// SPDX-License-Identifier: Apache-2.0
// What was recorded live is read later: the very records of the live run, and everything of connections that no plugin knew.
import { spawn } from 'node:child_process';
import { createReadStream, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createReader,
  RecordingDecoder,
  type ConnectionInfo,
  type PipelineSource,
  type ProcessIdentity,
  type Segment,
  type TraceRecord,
} from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { expect, inject } from 'vitest';
import { PeerClient, startServer, type PeerOptions } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { timeScale } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

const cli = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

let files = 0;
const newFile = (): string => join(inject('directory'), `recording-${files++}.ltrec`);

/** A record as it is printed, but for where its bytes came from. */
const printed = (record: TraceRecord): string =>
  JSON.stringify(record).replace('"source":"syscall"', '"source":"recording"');

async function readBack(file: string): Promise<{
  records: TraceRecord[];
  stats: ReturnType<ReturnType<typeof createReader>['stats']>;
}> {
  const reader = createReader({ plugins: [http({ responseHeaders: ['x-id'] })], file });
  const records: TraceRecord[] = [];
  for await (const record of reader) records.push(record as unknown as TraceRecord);
  return { records, stats: reader.stats() };
}

/** Runs the command to its end. */
async function libtrace(...args: readonly string[]) {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text.stdout += more));
  child.stderr.setEncoding('utf8').on('data', (more: string) => (text.stderr += more));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, ...text };
}

interface Recorded {
  readonly name: string;
  readonly count: number;
  readonly client?: PeerOptions;
  readonly server?: PeerOptions;
  readonly captureBytes?: number;
}

for (const scenario of [
  { name: 'keep-alive', count: 200 },
  { name: 'pipelined', count: 60, client: { pipeline: 5 } },
  {
    name: 'long-bodies',
    count: 20,
    client: { body: 3000, connections: 4 },
    server: { size: 100_000 },
    captureBytes: 4096,
  },
  { name: 'sendfile', count: 10, server: { write: 'file', size: 70_000 } },
  { name: 'unix', count: 50, server: { address: 'unix' } },
] satisfies readonly Recorded[] as readonly Recorded[]) {
  live(`a replay has the very records of the live run: ${scenario.name}`, [], async () => {
    const file = newFile();
    const isUnix = scenario.server?.address === 'unix';
    const address = isUnix ? `unix:${file}.sock` : '127.0.0.1';
    const tracing = await Tracing.attached({
      recording: { to: file },
      ...(scenario.captureBytes === undefined ? {} : { captureBytes: scenario.captureBytes }),
    });
    const server = await startServer({ ...scenario.server, address });
    const client = new PeerClient(scenario.name, server, {
      ...scenario.client,
      address,
      ...(scenario.server?.size === undefined ? {} : { size: scenario.server.size }),
    });
    tracing.addPids(server.pid, client.pid);
    await client.connect();
    await client.run(1, scenario.count);
    await client.close();
    const calls = scenario.count * (scenario.client?.connections ?? 1);
    await tracing.waitFor(2 * calls);
    await tracing.tracer.close();
    const { records } = tracing;
    expect(records).toHaveLength(2 * calls);

    const replay = await readBack(file);
    expect(replay.records.map(printed)).toEqual(records.map(printed));
    expect(replay.stats.truncated).toBe(false);
    const stats = tracing.tracer.stats();
    expect(replay.stats.pipeline).toEqual({ ...stats.pipeline });
    expect(replay.stats.details).toMatchObject({
      kind: 'recording',
      header: { source: 'syscall', capture: { plugins: ['http'] } },
      summary: {
        complete: true,
        segments: stats.kernel.segmentsDelivered,
        droppedSegments: 0,
        counters: stats.kernel,
      },
    });
    expect(stats.recording).toMatchObject({
      segments: stats.kernel.segmentsDelivered,
      bytes: stats.kernel.bytesDelivered,
      fileBytes: statSync(file).size,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
}

live('a replay ends requests without a response when the live run did', [], async () => {
  const file = newFile();
  const tracing = await Tracing.attached({
    plugins: [{ ...http(), timeoutMs: 500 }],
    recording: { to: file },
  });
  const program = StartedProgram.held([
    process.execPath,
    '-e',
    `const { createServer, connect } = require('node:net');
     const server = createServer(() => {}).listen(0, '127.0.0.1', () => {
       const client = connect(server.address().port, '127.0.0.1', () => client.write('GET /silence HTTP/1.1\\r\\n\\r\\n'));
     });
     setTimeout(() => process.exit(), ${2000 * timeScale});`,
  ]);
  tracing.addPids(program.pid);
  program.release();
  await tracing.waitFor(2);
  await program.stop('SIGKILL');
  await tracing.tracer.close();
  expect(tracing.records.map(({ status }) => status)).toEqual(['unanswered', 'unanswered']);
  const reader = createReader({ plugins: [{ ...http(), timeoutMs: 500 }], file });
  const records: TraceRecord[] = [];
  for await (const record of reader) records.push(record as unknown as TraceRecord);
  expect(records.map(printed)).toEqual(tracing.records.map(printed));
});

/** Joins the bytes that were recorded of each direction of each connection. */
class Streams implements PipelineSource {
  readonly infos = new Map<number, ConnectionInfo>();
  readonly bytes = new Map<string, Buffer[]>();
  readonly processes = new Map<number, ProcessIdentity>();
  holes = 0;

  open(info: ConnectionInfo): void {
    this.infos.set(info.id, info);
  }

  bind(): void {
    // Nothing is above TLS here.
  }

  segment(id: number, segment: Segment): void {
    const key = `${id} ${segment.direction}`;
    const pieces = this.bytes.get(key) ?? [];
    this.bytes.set(key, pieces);
    const moved = pieces.reduce((sum, { length }) => sum + length, 0);
    if (segment.captured < segment.length || segment.position !== moved) this.holes += 1;
    const { data, dataStart, captured } = segment;
    pieces.push(Buffer.from(data.subarray(dataStart, dataStart + captured)));
    this.processes.set(segment.process.pid, segment.process);
  }

  role(): void {
    // Only bytes matter here.
  }
  end(): void {
    // As above.
  }
  close(): void {
    // As above.
  }
  tick(): void {
    // As above.
  }
  finish(): void {
    // As above.
  }
}

live('everything is recorded of a protocol that nobody knows', [], async () => {
  const file = newFile();
  const size = 300_000;
  const script = `
    const { createServer, connect } = require('node:net');
    const piece = (mark) => Buffer.alloc(10_000, mark + ' 0123456789 is no protocol at all. ');
    // One call each: of a call, 65,536 bytes are captured at most.
    const send = (socket, mark, left, then) =>
      left === 0 ? then?.() : socket.write(piece(mark), () => send(socket, mark, left - 1, then));
    const server = createServer((socket) => {
      let seen = 0;
      socket.on('data', (data) => {
        seen += data.length;
        if (seen === ${size}) send(socket, 'answer', ${size / 10_000}, () => socket.end());
      });
    }).listen(0, '127.0.0.1', () => {
      const client = connect(server.address().port, '127.0.0.1', () => send(client, 'question', ${size / 10_000}));
      client.resume().on('end', () => { client.end(); server.close(); });
    });`;
  const { status, stdout, stderr } = await libtrace(
    ...['record', '--no-tls', '-o', file, '--', process.execPath, '-e', script],
  );
  expect(stderr).toContain('libtrace: ready');
  expect(stdout).toContain('nothing lost');
  expect(status).toBe(0);
  const streams = new Streams();
  const decoder = new RecordingDecoder();
  for await (const chunk of createReadStream(file)) decoder.push(chunk as Buffer, streams);
  expect(decoder.header!.command).toEqual([process.execPath, '-e', script]);
  expect(decoder.summary()).toMatchObject({ complete: true, droppedSegments: 0 });
  const tcp = [...streams.infos.values()].filter(({ transport }) => transport === 'tcp');
  expect(tcp.map(({ role }) => role).sort()).toEqual(['client', 'server']);
  // The gate at which the command waited is not among them.
  expect(streams.infos.size).toBe(2);
  expect(streams.holes).toBe(0);
  for (const { id, role } of tcp) {
    const joined = (direction: string): string =>
      Buffer.concat(streams.bytes.get(`${id} ${direction}`) ?? []).toString('latin1');
    const [question, answer] = role === 'client' ? ['out', 'in'] : ['in', 'out'];
    expect(joined(question!)).toHaveLength(size);
    expect(joined(question!).startsWith('question 0123')).toBe(true);
    expect(joined(answer!)).toHaveLength(size);
    expect(joined(answer!).startsWith('answer 0123')).toBe(true);
  }
  expect([...streams.processes.values()].map(({ comm }) => comm)).toContain('node');
  const read = await libtrace('read', file);
  expect(read.stdout).toMatch(/not understood: 2 of 2 connections/);
});

live('the command records, reads, and says what is not there', [], async () => {
  const file = newFile();
  const script = `
    const { createServer, get } = require('node:http');
    const server = createServer((request, response) => response.end('seen ' + request.url));
    server.listen(0, '127.0.0.1', async () => {
      const { port } = server.address();
      for (let i = 0; i < 25; i++) {
        await new Promise((resolve) => get({ port, path: '/call/' + i, host: '127.0.0.1' }, (response) => response.resume().on('end', resolve)));
      }
      server.close();
      process.exitCode = 3;
    });`;
  const recorded = await libtrace(
    ...['record', '--no-tls', '-o', file, '--', process.execPath, '-e', script],
  );
  expect(recorded.status).toBe(3);
  expect(recorded.stdout).toContain('50 calls recognized: http 50');

  const read = await libtrace('read', file, '--format', 'json');
  expect(read.status).toBe(0);
  const records = read.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceRecord);
  for (const role of ['client', 'server'] as const) {
    const paths = records
      .filter((record) => record.role === role)
      .map(({ attributes }) => attributes['url.path']);
    expect(paths).toEqual(Array.from({ length: 25 }, (_, i) => `/call/${i}`));
  }
  expect(new Set(records.map(({ process }) => process.comm))).toEqual(new Set(['node']));
  expect(read.stderr).toContain('nothing lost');

  const whole = readFileSync(file).length;
  truncateSync(file, Math.floor(whole * 0.6));
  const cut = await libtrace('read', file);
  expect(cut.status).toBe(0);
  expect(cut.stdout).toMatch(/GET \/call\/0 /);
  expect(cut.stdout).toContain('it was cut off');
});

live('a recording that cannot be made leaves no tracer behind', [], async () => {
  const nowhere = join(inject('directory'), 'no', 'such', 'folder.ltrec');
  const tracing = Tracing.created({ recording: { to: nowhere } });
  await expect(tracing.tracer.load()).rejects.toMatchObject({ code: 'ERR_RECORDING_WRITE' });
  expect(tracing.tracer.state).toBe('created');
  await tracing.tracer.close();
});
