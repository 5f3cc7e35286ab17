// SPDX-License-Identifier: Apache-2.0
// A tracer with sources of plaintext, in a process of its own, that only counts records. LIBTRACE_PROBE_ONLY must be
// set. Commands:
//   attach PID cheapest|naive    a new tracer; how probe points are chosen
//   begin                        the figures start here
//   end                          answers with what happened since `begin`
//   detach
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createTracer } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { go } from '@libtrace/uprobe-go';
import { openssl } from '@libtrace/uprobe-openssl';

if (!process.env.LIBTRACE_PROBE_ONLY) throw new Error('LIBTRACE_PROBE_ONLY is not set');

let tracer, before;
let records = 0;
/** Records of plaintext; those of other sources are not counted. */
const sources = new Set(['openssl', 'go']);

/** CPU time per thread of this process, nanoseconds. */
function threads() {
  const times = new Map();
  for (const tid of readdirSync('/proc/self/task')) {
    const text = readFileSync(`/proc/self/task/${tid}/schedstat`, 'utf8');
    times.set(Number(tid), Number(text.split(' ')[0]));
  }
  return times;
}

function snapshot() {
  const { kernel, readerCpuNs } = tracer.stats();
  const times = threads();
  const { ring, connections, internal } = kernel.segmentsLost;
  return {
    mainNs: times.get(process.pid),
    allNs: [...times.values()].reduce((sum, ns) => sum + ns, 0),
    readerNs: readerCpuNs,
    lost: ring + connections + internal + kernel.eventsLost,
    covered: kernel.segmentsLost.covered,
    records,
  };
}

const commands = {
  async attach([pid, choice]) {
    process.env.LIBTRACE_PROBE_CHOICE = choice;
    tracer = createTracer({
      plugins: [http(), openssl(), go()],
      target: { pids: [Number(pid)] },
    });
    tracer.on('record', ({ source }) => (records += sources.has(source) ? 1 : 0));
    tracer.on('error', (error) => console.error(error));
    await tracer.attach();
    const probed = tracer.report().binaries.filter(({ attached }) => attached);
    return {
      files: probed.length,
      probes: probed.flatMap(({ probes }) =>
        probes.map(({ place, kind, instruction, why }) => ({ place, kind, instruction, why })),
      ),
    };
  },
  async begin() {
    await tracer.flush();
    before = snapshot();
    return {};
  },
  async end() {
    await tracer.flush();
    const after = snapshot();
    return Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));
  },
  async detach() {
    await tracer.close();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...rest] = line.split(' ');
  console.log(JSON.stringify(await commands[command](rest)));
}
