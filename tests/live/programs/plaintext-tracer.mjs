// SPDX-License-Identifier: Apache-2.0
// A tracer to be killed: node plaintext-tracer.mjs openssl|go PID… in an environment with LIBTRACE_PROBE_ONLY. Says
// `{}` when it is attached, and `{"records":N}` for every hundred records.
import { createTracer } from '@libtrace/core';
import { http } from '@libtrace/proto-http';

if (!process.env.LIBTRACE_PROBE_ONLY) throw new Error('LIBTRACE_PROBE_ONLY is not set');
const [name, ...pids] = process.argv.slice(2);
const { [name]: source } = await import(`@libtrace/uprobe-${name}`);
const tracer = createTracer({
  plugins: [http(), source()],
  target: { pids: pids.map(Number) },
});
let records = 0;
tracer.on('record', () => {
  if (++records % 100 === 0) console.log(JSON.stringify({ records }));
});
tracer.on('error', (error) => console.error(error));
await tracer.attach();
console.log('{}');
