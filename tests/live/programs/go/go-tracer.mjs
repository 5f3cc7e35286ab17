// SPDX-License-Identifier: Apache-2.0
// A tracer to be killed: node go-tracer.mjs PID… in an environment with LIBTRACE_PROBE_ONLY. Says `{}` when it is attached,
// and how many records there were for every hundred of them.
import { createTracer } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { go } from '@libtrace/uprobe-go';

if (!process.env.LIBTRACE_PROBE_ONLY) throw new Error('LIBTRACE_PROBE_ONLY is not set');
const tracer = createTracer({
  plugins: [http(), go()],
  target: { pids: process.argv.slice(2).map(Number) },
});
let records = 0;
tracer.on('record', () => {
  if (++records % 100 === 0) console.log(JSON.stringify({ records }));
});
tracer.on('error', (error) => console.error(error));
await tracer.attach();
console.log('{}');
