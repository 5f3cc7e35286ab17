// SPDX-License-Identifier: Apache-2.0
// Connections that end while their last bytes are still to be read, and tables that must not fill up.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { live, programPath } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { timeScale } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

const script = fileURLToPath(new URL('programs/ends.py', import.meta.url));

/** Records of one mode of programs/ends.py as `path role status missing`, sorted. */
async function callsOf(tracing: Tracing, mode: string, count: number, delay: number) {
  const python = programPath('python3')!;
  const program = new StartedProgram(python, [script, mode, String(count), String(delay)]);
  onTestFinished(() => program.stop());
  tracing.addPids(program.child.pid!);
  const ended = once(program.child, 'exit');
  program.child.stdin!.write('\n');
  expect(await ended).toEqual([0, null]);
  const records = await tracing.take(2 * count);
  return records
    .map(({ attributes, role, status, missing }) =>
      [attributes['url.path'], role, status, ...missing].join(' '),
    )
    .sort();
}

/** What is expected of `count` calls: `server` is added to what the server's side says. */
function expected(mode: string, count: number, server = ''): string[] {
  return Array.from({ length: count }, (_, i) => `/${mode}/${i + 1}`)
    .flatMap((path) => [`${path} client ok`, `${path} server ok${server}`])
    .sort();
}

const late = 0.2 * timeScale;

live('a response that is read long after its server is gone', ['python3'], async () => {
  const tracing = await Tracing.attached();
  expect(await callsOf(tracing, 'half', 4, late)).toEqual(expected('half', 4));
  await tracing.expectAccounted();
});

live('a response that is read after a reset by a server that exits', ['python3'], async () => {
  const tracing = await Tracing.attached();
  const unread = ' request.head request.size';
  expect(await callsOf(tracing, 'reset-exit', 4, late)).toEqual(expected('reset-exit', 4, unread));
  await tracing.expectAccounted();
});

live('a response that is read after a reset by a server that lives on', ['python3'], async () => {
  const tracing = await Tracing.attached();
  const unread = ' request.head request.size';
  expect(await callsOf(tracing, 'reset-close', 2, late)).toEqual(
    expected('reset-close', 2, unread),
  );
  await tracing.expectAccounted();
});

live(
  'bytes that are moved by calls without a hook are a gap, and shift nothing',
  ['python3'],
  async () => {
    const tracing = await Tracing.attached();
    const spliced = ' response.body';
    expect(await callsOf(tracing, 'splice', 5, 0)).toEqual(expected('splice', 5, spliced));
    await tracing.expectAccounted();
  },
);

live('more short connections in pieces than the tables have room for', ['python3'], async () => {
  const tracing = await Tracing.attached({ maxConnections: 64 });
  const { length } = await callsOf(tracing, 'pieces', 150, 0);
  expect(length).toBe(300);
  const stats = await tracing.expectAccounted();
  expect(stats.kernel.segmentsLost.ignored).toBe(0);
});
