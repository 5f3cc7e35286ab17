// SPDX-License-Identifier: Apache-2.0
// Real servers and real clients.
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Missing, TraceRecord } from '@libtrace/core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { expectCalls, type ExpectedCall, type Viewpoint } from './harness/expected-calls.js';
import {
  FILES,
  startApache,
  startNginx,
  startPython,
  type RealServer,
} from './harness/real-servers.js';
import { live, programPath } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { timeScale } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

let tracing: Tracing;
beforeAll(async () => {
  tracing = Tracing.created({ ringBytes: 32 * 1024 * 1024 });
  await tracing.tracer.attach();
});
afterAll(() => tracing.tracer.close());

function from(role: 'client' | 'server', pids: readonly number[], server: RealServer): Viewpoint {
  const { comm, exe } = role === 'server' ? server : { comm: 'curl', exe: programPath('curl')! };
  return {
    role,
    pids,
    comm,
    exe: realpathSync(exe),
    transport: 'tcp',
    address: '127.0.0.1',
    serverPort: server.port,
  };
}

/** curl's own account of what it transferred, one line a request. */
const account =
  '%{http_code} %{size_request} %{size_header} %{size_upload} %{size_download} %{http_version} %{local_port} %{urlnum}\\n';

function callsOf(output: string, paths: readonly string[], requestVersion = '1.1'): ExpectedCall[] {
  const lines = output.split('\n').filter((line) => line !== '');
  expect(lines).toHaveLength(paths.length);
  return lines.map((line, i) => {
    const [code, request, header, upload, download, , port] = line.split(' ').map(Number);
    return {
      path: paths[i]!,
      operation: 'GET',
      version: requestVersion,
      statusCode: code!,
      requestBytes: request! + upload!,
      responseBytes: header! + download!,
      requestBody: upload!,
      responseBody: download!,
      missing: [],
      clientPort: port!,
    };
  });
}

/** One curl process asks for every file, and for one that does not exist; both sides are checked. */
async function curlFiles(
  server: RealServer,
  serverMissing: (call: ExpectedCall) => readonly Missing[],
): Promise<TraceRecord[]> {
  const paths = [...Array.from({ length: FILES }, (_, i) => `/f/${i + 1}`), '/f/none'];
  const command = [programPath('curl')!, '-s', '-w', account];
  for (const path of paths) command.push('-o', '/dev/null', `${server.url}${path}`);
  const curl = StartedProgram.held(command);
  tracing.addPids(server.pid, curl.pid);
  curl.release();
  const calls = callsOf(await curl.output(), paths);
  const records = await tracing.take(2 * calls.length);
  expectCalls(records, calls, from('client', [curl.pid], server));
  const pids = [...new Set(records.filter((r) => r.role === 'server').map((r) => r.process.pid))];
  for (const record of records) {
    if (record.role === 'server')
      expect([record.process.pid, record.process.ppid]).toContain(server.pid);
  }
  expectCalls(
    records,
    calls.map((call) => ({ ...call, missing: serverMissing(call) })),
    from('server', pids, server),
  );
  await tracing.expectAccounted();
  return records;
}

live('curl and nginx with sendfile', ['curl', 'nginx'], async () => {
  // A page made by nginx itself does not come from a file.
  await curlFiles(await startNginx(), (call) => (call.statusCode === 404 ? [] : ['response.body']));
});

live('curl and apache2 prefork', ['curl', 'apache2'], async () => {
  await curlFiles(await startApache(), () => []);
});

live("curl and Python's http.server", ['curl', 'python3'], async () => {
  await curlFiles(await startPython(), () => []);
});

live('100 curl processes one after the other', ['curl', 'nginx'], async () => {
  const server = await startNginx();
  const script = `read go; i=1; while [ $i -le 100 ]; do
    ${programPath('curl')} -s -o /dev/null -w '${account}' ${server.url}/ok?$i; i=$((i+1)); done`;
  const shell = new StartedProgram('/bin/sh', ['-c', script]);
  tracing.addPids(server.pid, shell.pid);
  shell.release();
  const output = await shell.output();
  const calls = callsOf(
    output,
    Array.from({ length: 100 }, (_, i) => `/ok?${i + 1}`),
  );
  const records = (await tracing.take(200)).map((record) => {
    const { 'url.path': path, 'url.query': query } = record.attributes;
    return {
      ...record,
      startTime: record.startTime,
      attributes: { ...record.attributes, 'url.path': `${String(path)}?${String(query)}` },
    };
  });
  const curls = records
    .filter((record) => record.role === 'client')
    .map((record) => record.process);
  expect(new Set(curls.map(({ pid }) => pid)).size).toBe(100);
  expect(curls.every(({ ppid }) => ppid === shell.pid)).toBe(true);
  expectCalls(
    records,
    calls,
    from(
      'client',
      curls.map(({ pid }) => pid),
      server,
    ),
  );
  const workers = records.filter((r) => r.role === 'server' && r.process.ppid === server.pid);
  expectCalls(
    records,
    calls,
    from(
      'server',
      workers.map(({ process }) => process.pid),
      server,
    ),
  );
  await tracing.expectAccounted();
});

live('wrk and nginx: as many records as wrk counts', ['wrk', 'nginx'], async () => {
  const server = await startNginx();
  const connections = 8;
  const wrk = StartedProgram.held([
    programPath('wrk')!,
    '-t1',
    `-c${connections}`,
    '-d1s',
    `${server.url}/ok`,
  ]);
  tracing.addPids(server.pid, wrk.pid);
  wrk.release();
  const output = await wrk.output();
  const counted = Number(/(\d+) requests in/.exec(output)![1]);
  const taken = await tracing.take(2 * counted, 500);
  const records = [...taken, ...(await tracing.takeRest())];
  const side = (role: string): TraceRecord[] => records.filter((record) => record.role === role);
  const answered = side('client').filter((record) => record.responseBytes > 0);
  // When wrk stops, requests are in flight: their responses are not read, or not counted any more.
  const inFlight = side('client').length - counted;
  expect({ counted: counted > 0, inFlight: inFlight >= 0 && inFlight <= connections }).toEqual({
    counted: true,
    inFlight: true,
  });
  expect(answered.length - counted).toBeGreaterThanOrEqual(0);
  expect(answered.length - counted).toBeLessThanOrEqual(connections);
  // What was in flight is logged when nginx meets the end of the connection.
  const logged = (): number => readFileSync(server.accessLog, 'latin1').split('\n').length - 1;
  await expect.poll(logged, { timeout: 5_000 * timeScale }).toBe(side('server').length);
  const wrong = records.filter(
    ({ attributes, responseBytes }) =>
      attributes['url.path'] !== '/ok' ||
      (responseBytes > 0 && attributes['http.response.status_code'] !== 200),
  );
  expect(wrong).toEqual([]);
  expect(side('client').filter((record) => !record.complete).length).toBeLessThanOrEqual(
    connections,
  );
  expect(new Set(side('client').map(({ process }) => process.comm))).toEqual(new Set(['wrk']));
  await tracing.expectAccounted();
});

live('Node: fetch and http', [], async () => {
  const script = fileURLToPath(new URL('./programs/exchange.mjs', import.meta.url));
  const [server, client] = ['server', 'client'].map(
    (role) => new StartedProgram(process.execPath, [script, role]),
  );
  onTestFinished(() => server!.stop());
  onTestFinished(() => client!.stop());
  const { port } = JSON.parse(await server!.line()) as { port: number };
  await client!.line();
  tracing.addPids(server!.pid, client!.pid);
  for (const method of ['get', 'post']) {
    const sizes = await client!.ask<[number, number][]>(`${method} http://127.0.0.1:${port}/n 20`);
    const records = await tracing.take(40);
    for (const [role, program] of [
      ['client', client!],
      ['server', server!],
    ] as const) {
      const seen = records.filter((record) => record.role === role);
      expect(seen.map((record) => record.attributes['url.path'])).toEqual(
        sizes.map((_, i) => `/n/${i + 1}`),
      );
      expect(
        seen.map(({ attributes }) => [
          attributes['http.response.status_code'],
          attributes['http.response.body.size'],
        ]),
      ).toEqual(sizes);
      const bodies = sizes.map((_, i) => (method === 'post' ? (i + 1) * 10 : 0));
      expect(seen.map(({ attributes }) => attributes['http.request.body.size'])).toEqual(bodies);
      for (const record of seen) {
        expect(record).toMatchObject({ operation: method.toUpperCase(), complete: true });
        expect(record.process).toMatchObject({
          pid: program.pid,
          comm: 'node',
          exe: realpathSync(process.execPath),
        });
        expect(record.connection.server).toEqual({ address: '127.0.0.1', port });
      }
    }
  }
  await tracing.expectAccounted();
});
