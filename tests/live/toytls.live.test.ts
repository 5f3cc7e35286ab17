// SPDX-License-Identifier: Apache-2.0
// The source of docs/write-a-uprobe-source.md, as its reader builds it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { http } from '@libtrace/proto-http';
import { expect } from 'vitest';
import { toytls } from '../../examples/uprobe-toytls/src/index.js';
import { libbpfPaths } from '../../scripts/build-libbpf.mjs';
import { PrivatePrograms } from './harness/private-programs.js';
import { live } from './harness/requirements.js';
import { startPrivate } from './harness/tls-servers.js';
import { expectTlsAccounted, traceTls } from './harness/tls-tracing.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples/uprobe-toytls');

live(
  'the source of the guide sees both sides of every call',
  ['make', 'gcc', 'clang'],
  async () => {
    const include = join(root, 'packages/core/bpf/include');
    execFileSync('make', ['-C', example, `CORE=${include}`, `LIBBPF=${libbpfPaths().include}`], {
      stdio: 'pipe',
    });
    const program = startPrivate(PrivatePrograms.shared().file(join(example, 'build/toy-http')), [
      '20',
    ]);
    const [, port] = /^port (\d+)$/.exec(await program.line())!;
    const tracing = await traceTls([program.pid], { plugins: [http(), toytls()] });
    program.child.stdin!.write('go\n');
    expect(await program.line()).toBe('20 requests');
    const records = await tracing.take(40);
    const paths = Array.from({ length: 20 }, (_, i) => `/toy/${i + 1}`);
    for (const role of ['client', 'server']) {
      const ofRole = records.filter((record) => record.role === role);
      expect(ofRole.map(({ attributes }) => attributes['url.path'])).toEqual(paths);
    }
    for (const record of records) {
      expect(record).toMatchObject({
        source: 'toytls',
        status: 'ok',
        complete: true,
        responseBytes: 27,
        connection: { transport: 'tls', server: { address: '127.0.0.1', port: Number(port) } },
        attributes: { 'http.response.status_code': 204 },
      });
    }
    const { pipeline } = await expectTlsAccounted(tracing);
    expect(pipeline.plaintextConnections).toBe(2);
  },
);
