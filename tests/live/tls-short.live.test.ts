// SPDX-License-Identifier: Apache-2.0
// Programs that live for milliseconds. Their files are copied anew for each test: no probe has ever been in them.
import { expect, onTestFinished } from 'vitest';
import { assertPrivate } from './harness/assert-private.js';
import { PrivatePrograms } from './harness/private-programs.js';
import { live } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { expectPairs, expectTlsCalls } from './harness/tls-calls.js';
import { curlCalls, curlCommand } from './harness/tls-curl.js';
import { startTlsNginx } from './harness/tls-servers.js';
import { expectTlsAccounted, traceTlsOfShell } from './harness/tls-tracing.js';
import { timeScale, until } from './harness/time-scale.js';

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** Copies that no tracer has looked into. */
const neverProbed = (): PrivatePrograms => {
  const programs = PrivatePrograms.fresh();
  onTestFinished(() => programs.remove());
  return programs;
};

for (const known of [false, true]) {
  const how = known ? 'whose files were named' : 'that nobody has heard of';
  live(
    `100 curl processes one after the other, ${how}`,
    ['openssl', 'curl', 'nginx'],
    async () => {
      const [serverFiles, curlFiles] = [neverProbed(), neverProbed()];
      const server = await startTlsNginx({ programs: serverFiles });
      assertPrivate(...server.pids);
      const curl = curlFiles.program('curl');
      const paths = Array.from({ length: 100 }, (_, i) => `/ok?${i + 1}`);
      const commands = paths.map((path) => quoted(curlCommand(curl, server.port, [path])));
      const shell = new StartedProgram('/bin/sh', ['-c', `read go\n${commands.join('\n')}`]);
      const files = known ? [curl.path, `${curlFiles.libraries}/libssl.so.3`] : [];
      const tracing = await traceTlsOfShell([...server.pids, shell.pid], { uprobes: { files } });
      shell.release();
      const output = await shell.output();
      await until('nginx has logged them', () => server.log().length === 100);
      const calls = curlCalls(output, paths, server.log());
      const records = await tracing.take(200);
      const curls = records.filter(({ role }) => role === 'client').map((r) => r.process);
      expect(new Set(curls.map(({ pid }) => pid)).size).toBe(100);
      expect(curls.every(({ ppid }) => ppid === shell.pid)).toBe(true);
      const pids = curls.map(({ pid }) => pid);
      const common = { serverPort: server.port };
      const { path: exe } = curl;
      expectTlsCalls(records, calls, { ...common, role: 'client', pids, comm: 'curl', exe });
      expectTlsCalls(records, calls, { ...common, role: 'server', pids: server.workers });
      expectPairs(records, 100);
      await expectTlsAccounted(tracing);
    },
    60_000 * timeScale,
  );
}
