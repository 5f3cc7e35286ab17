// SPDX-License-Identifier: Apache-2.0
// A tracer in a process of its own, as the command `libtrace trace --pid` is, that only counts records. Commands:
//   attach PID [statistics]    a new tracer; with the kernel's run-time statistics
//   begin                      the figures start here
//   end                        answers with what happened since `begin`
//   detach
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createTracer } from '@libtrace/core';
import { enableRunTimeStats } from '@libtrace/native';
import { http } from '@libtrace/proto-http';

let tracer, statistics, before;
let records = 0;
/** What records lack, and how often. */
let missing = {};

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
  const stats = tracer.stats();
  const times = threads();
  const programs = tracer.report().programs;
  return {
    mainNs: times.get(process.pid),
    allNs: [...times.values()].reduce((sum, ns) => sum + ns, 0),
    readerNs: stats.readerCpuNs,
    programNs: programs.reduce((sum, p) => sum + p.runTimeNs, 0),
    delivered: stats.kernel.segmentsDelivered,
    lost: stats.kernel.segmentsSeen - stats.kernel.segmentsDelivered + stats.kernel.eventsLost,
    records,
  };
}

const commands = {
  async attach([pid, withStatistics]) {
    tracer = createTracer({ plugins: [http()], target: { pids: [Number(pid)] } });
    tracer.on('record', (record) => {
      records++;
      for (const what of record.missing) missing[what] = (missing[what] ?? 0) + 1;
    });
    await tracer.attach();
    if (withStatistics === 'statistics') statistics = enableRunTimeStats();
    return {};
  },
  async begin() {
    await tracer.flush();
    missing = {};
    before = snapshot();
    return {};
  },
  async end() {
    await tracer.flush();
    const after = snapshot();
    const since = Object.keys(after).map((key) => [key, after[key] - before[key]]);
    return { ...Object.fromEntries(since), missing };
  },
  async detach() {
    statistics?.[Symbol.dispose]();
    statistics = undefined;
    await tracer.close();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...rest] = line.split(' ');
  console.log(JSON.stringify(await commands[command](rest)));
}
