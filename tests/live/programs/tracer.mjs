// SPDX-License-Identifier: Apache-2.0
// A tracer to be killed: node tracer.mjs PID. Says `{}` when it is attached, then a line for each record.
import { createTracer } from '@libtrace/core';
import { http } from '@libtrace/proto-http';

const tracer = createTracer({ plugins: [http()], target: { pids: [Number(process.argv[2])] } });
tracer.on('record', (record) => console.log(JSON.stringify(record)));
await tracer.attach();
console.log('{}');
