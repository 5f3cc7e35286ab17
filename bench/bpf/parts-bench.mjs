// SPDX-License-Identifier: Apache-2.0
// What the single steps that BPF programs are made of cost on this machine: where to look when a program is too slow.
import { join } from 'node:path';
import * as native from '@libtrace/native';
import { compileBpf, compileC, output, root } from '../lib/build.mjs';
import { LineProcess } from '../lib/line-process.mjs';
import { summary } from '../lib/statistics.mjs';

/** As REPEAT in parts.bpf.c; a chain of tail calls has 33 at most. */
const repeats = (name) => (name === 'part_tail_calls' ? 33 : 64);

/** Runs per round: as many as the ring can take. */
function runsFor(name) {
  if (name.includes('output_4160')) return 25;
  return name.includes('ring') ? 300 : 3000;
}

function prepare(object, pid) {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(pid);
  object.map('target_pids').update(key, Buffer.from([1]));
  object.map('stages').setProgram(0, object.program('tail_again'));
  const found = Buffer.alloc(8);
  found[0] = 77;
  object.map('lru').update(found.subarray(0, 4), Buffer.alloc(8));
  object.map('hash_of_connections').update(found, Buffer.alloc(88));
}

/** Nanoseconds of one run of a program, by the kernel's statistics. */
async function nsPerRun(program, ping, runs) {
  const link = program.attachRawTracepoint('sys_exit');
  const statistics = native.enableRunTimeStats();
  const before = program.info().runTimeNs;
  await ping.ask(`getppid ${runs}`);
  const ns = Number(program.info().runTimeNs - before);
  statistics[Symbol.dispose]();
  link.detach();
  return ns / runs;
}

/** @param {{ rounds: number, log: (line: string) => void }} options */
export async function run({ rounds, log }) {
  const ping = new LineProcess(compileC('bpf/ping.c'), ['1']);
  const source = join(root, 'bench/bpf/parts.bpf.c');
  const object = native.BpfObject.open(compileBpf(source, join(output, 'parts.bpf.o')));
  const figures = [];
  const raw = {};
  try {
    object.load();
    prepare(object, ping.pid);
    const reader = new native.EventReader({
      maps: [object.map('events')],
      onBatch: () => undefined,
    });
    reader.start();
    let empty = 0;
    for (const program of object.programs.values()) {
      const { name, loaded } = program;
      if (!name.startsWith('part_')) continue;
      if (!loaded) {
        log(`${name} does not load on this kernel`);
        continue;
      }
      const values = [];
      for (let round = 0; round < rounds; round++) {
        values.push(await nsPerRun(program, ping, runsFor(name)));
        await reader.flush();
      }
      raw[name] = values;
      if (name === 'part_empty_loop') empty = Math.min(...values);
      const steps = values.map((ns) => (ns - empty) / repeats(name));
      if (name !== 'part_empty_loop') {
        figures.push({ name: name.slice('part_'.length), unit: 'ns', ours: summary(steps) });
      }
    }
    await reader.stop();
  } finally {
    await ping.end();
    object.close();
  }
  return { title: 'Single steps of BPF programs', figures, raw };
}
