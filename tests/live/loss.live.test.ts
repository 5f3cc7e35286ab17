// SPDX-License-Identifier: Apache-2.0
// More than the ring holds: everything lost is counted, what is shown is right, and the next calls are exact again.
import type { TraceRecord } from '@libtrace/core';
import { expect } from 'vitest';
import {
  expectCalls,
  expectedCall,
  expectedCalls,
  sizeOf,
  statusCodeOf,
  type ExpectedCall,
} from './harness/expected-calls.js';
import { PeerClient, startServer, type PeerOptions } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { viewpoint } from './harness/scenario.js';
import { Tracing } from './harness/tracing.js';

const numberIn = (path: unknown): number => Number(String(path).split('/').pop());

/** Lets nothing run on the JavaScript thread but for a moment between naps, until `work` is done. */
async function starve(work: Promise<unknown>): Promise<void> {
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  let done = false;
  void work.finally(() => (done = true));
  while (!done) {
    Atomics.wait(asleep, 0, 0, 150);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await work;
}

/** A record may lack anything, but must not say anything that is not so. */
function wrongs(
  record: TraceRecord,
  scenario: string,
  client: PeerOptions,
  server: PeerOptions,
): string[] {
  const { attributes, missing } = record;
  const found: string[] = [];
  const check = (what: string, holds: boolean): void => void (holds || found.push(what));
  const path = attributes['url.path'];
  const header = (attributes['http.response.header.x-id'] as string[] | undefined)?.[0];
  const asked = path === undefined ? undefined : numberIn(path);
  const answered = header === undefined ? undefined : Number(header);
  const n = asked ?? answered;
  check('neither request nor response', n !== undefined || missing.includes('response.head'));
  if (asked !== undefined && answered !== undefined)
    check(`response of ${answered}`, asked === answered);
  check('complete, with something missing', record.complete === (missing.length === 0));
  check('unanswered', record.status !== 'unanswered');
  if (asked === undefined) check('no request, and not missing', missing.includes('request'));
  if (asked !== undefined && attributes['http.response.status_code'] === undefined) {
    check('no response, and not missing', missing.includes('response'));
  }
  if (n === undefined) return found;
  const call = expectedCall(scenario, n, client, server);
  if (asked !== undefined && !missing.includes('request.size'))
    check('request bytes', record.requestBytes === call.requestBytes);
  if (answered !== undefined) {
    check('status code', attributes['http.response.status_code'] === statusCodeOf(answered));
    const exact = !missing.includes('response.size');
    if (exact) check('response bytes', record.responseBytes === call.responseBytes);
    if (exact)
      check('response body', attributes['http.response.body.size'] === sizeOf(answered, server));
  }
  return found;
}

async function flood(pipeline: number): Promise<void> {
  const tracing = await Tracing.attached({ ringBytes: 65_536 });
  const size = 1_000;
  const scenario = `flood-${pipeline}`;
  const options = { size };
  const server = await startServer(options);
  const idle = new PeerClient('idle', server, { ...options, connections: 2 });
  const client = new PeerClient(scenario, server, { ...options, connections: 4, pipeline });
  tracing.addPids(server.pid, idle.pid, client.pid);
  await idle.connect();
  await idle.run(1, 5);
  expectCalls(
    await tracing.take(20),
    expectedCalls('idle', idle.ports, 1, 5, {}, options),
    viewpoint('client', [idle.pid], server.port),
  );

  await client.connect();
  await starve(client.run(1, 1_000));
  await tracing.waitFor(0);
  const { kernel, pipeline: shown } = await tracing.expectAccounted(false);
  expect(kernel.segmentsLost.ring).toBeGreaterThan(0);
  expect(kernel.segmentsLost).toMatchObject({ connections: 0, internal: 0 });
  // Quiet for long enough, so that order is trusted again where requests were pipelined.
  await new Promise((resolve) => setTimeout(resolve, 1_200));

  // Each of these fits into the ring.
  const late = new PeerClient('late', server, { ...options, connections: 2, pipeline });
  tracing.addPids(late.pid);
  await late.connect();
  const after: (readonly [string, PeerClient, ExpectedCall[]])[] = [];
  for (const [name, who, first] of [
    ['late', late, 1],
    ['idle', idle, 101],
    [scenario, client, 100_001],
  ] as const) {
    await tracing.waitFor(0);
    await who.run(first, 5);
    after.push([name, who, expectedCalls(name, who.ports, first, 5, {}, options)]);
  }
  await tracing.waitFor(
    shown.records + 2 * after.reduce((sum, [, , calls]) => sum + calls.length, 0),
    500,
  );
  const records = await tracing.take(0);
  const isLate = ({ attributes }: TraceRecord): boolean =>
    after.some(([, , calls]) => calls.some((call) => call.path === attributes['url.path']));
  for (const [name, { pid }, calls] of after) {
    const own = records.filter(
      (record) => isLate(record) && String(record.attributes['url.path']).startsWith(`/s/${name}/`),
    );
    expectCalls(own, calls, viewpoint('client', [pid], server.port));
    expectCalls(own, calls, viewpoint('server', [server.pid], server.port));
  }
  const flooded = records.filter((record) => !isLate(record));
  const problems = flooded.flatMap((record) =>
    wrongs(record, scenario, {}, options).map(
      (what) =>
        `${record.role} ${String(record.attributes['url.path'])}: ${what} [${record.missing.join()}]`,
    ),
  );
  expect(problems.slice(0, 10)).toEqual([]);
  for (const role of ['client', 'server']) {
    const paths = flooded
      .filter((r) => r.role === role)
      .map((r) => r.attributes['url.path'])
      .filter((path) => path !== undefined);
    expect(new Set(paths).size, 'no request is shown twice').toBe(paths.length);
  }
  expect(flooded.some((record) => record.complete)).toBe(true);
  expect(flooded.some((record) => !record.complete)).toBe(true);
  await tracing.expectAccounted(false);
}

live('a flood with a ring of 64 KiB, one request at a time on each connection', [], () => flood(1));
live('a flood with a ring of 64 KiB, ten requests in one write', [], () => flood(10));
