// SPDX-License-Identifier: Apache-2.0
// What a tracer with another process as target costs a process that is not traced.
import { compileC } from '../lib/build.mjs';
import { LineProcess } from '../lib/line-process.mjs';
import { difference, summary } from '../lib/statistics.mjs';
import { oneRun } from './bpf-bench.mjs';
import { emptyOnBoth, emptyOnExit, socketTracer, untraced } from './programs.mjs';

const aimNs = 150;

/** @param {{ rounds: number, exchanges: number, log: (line: string) => void }} options */
export async function run({ rounds, exchanges, log }) {
  const ping = new LineProcess(compileC('bpf/ping.c'), ['1']);
  const target = new LineProcess(compileC('bpf/ping.c'));
  const empties = [emptyOnExit(), emptyOnBoth()];
  const libtrace = await socketTracer();
  const subjects = [untraced(), ...empties, libtrace];
  const loads = [
    { name: 'write or read of a socket', command: `exchange ${exchanges} 100 200 0` },
    { name: 'getppid()', command: `getppid ${exchanges * 20}` },
  ];
  const figures = [];
  const raw = {};
  try {
    for (const load of loads) {
      log(`${load.name}: ${rounds} rounds`);
      const cpu = {};
      const inPrograms = [];
      for (let round = 0; round < rounds; round++) {
        for (const subject of subjects) {
          const plain = await oneRun(subject, ping, load.command, { target: target.pid });
          (cpu[subject.name] ??= []).push(plain.cpuPerCall);
        }
        const counted = await oneRun(libtrace, ping, load.command, {
          target: target.pid,
          statistics: true,
        });
        // Two runs a call: entry and exit.
        inPrograms.push((2 * counted.ns) / counted.runs);
      }
      raw[load.name] = { cpuNsPerCall: cpu, nsInProgramsPerCall: inPrograms };
      const added = difference(cpu.libtrace, cpu.untraced);
      figures.push({
        name: `not a target: ${load.name}`,
        unit: 'ns',
        base: summary(cpu.untraced),
        ours: summary(cpu.libtrace),
        compared: added,
        comparison: '+',
        aim: `≤ +${aimNs} ns`,
        ok: added.median <= aimNs,
      });
      for (const { name } of empties) {
        figures.push({
          name: `  instead of it a program that is ${name}`,
          unit: 'ns',
          base: summary(cpu.untraced),
          ours: summary(cpu[name]),
          compared: difference(cpu[name], cpu.untraced),
          comparison: '+',
        });
      }
      figures.push({
        name: '  in our programs, by run-time statistics',
        unit: 'ns',
        ours: summary(inPrograms),
      });
    }
  } finally {
    await ping.end();
    await target.end();
    for (const subject of subjects) subject.close();
  }
  return { title: 'A process that is not traced, per call', figures, raw };
}
