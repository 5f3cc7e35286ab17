// SPDX-License-Identifier: Apache-2.0
// What the kernel side costs per event, against the floor; and what tracing adds to a system call.
import { enableRunTimeStats } from '@libtrace/native';
import { compileC } from '../lib/build.mjs';
import { LineProcess } from '../lib/line-process.mjs';
import { difference, ratio, summary } from '../lib/statistics.mjs';
import * as programs from './programs.mjs';

/** Program runs per system call of a target: the socket tracer has one at the entry, too. */
const runsPerCall = (subject) => (subject.name === 'libtrace' ? 2 : 1);

const loads = [
  { name: '100 B / 200 B', command: (n) => `exchange ${n} 100 200 0` },
  { name: '100 B / 4 KiB', command: (n) => `exchange ${n} 100 4096 0` },
  { name: '100 B / 200 B, sendto', command: (n) => `exchange ${n} 100 200 1`, ownOnly: true },
  { name: '100 B / 200 B, writev', command: (n) => `exchange ${n} 100 200 2`, ownOnly: true },
];

/**
 * One run of the load under a subject.
 * @param {import('./programs.mjs').Subject} subject @param {LineProcess} ping
 * @param {string} command @param {{ target?: number, statistics?: boolean }} how
 */
export async function oneRun(
  subject,
  ping,
  command,
  { target = ping.pid, statistics = false } = {},
) {
  const before = subject.totals();
  await subject.attach(target);
  const switchedOn = statistics ? enableRunTimeStats() : undefined;
  const done = await ping.ask(command);
  switchedOn?.[Symbol.dispose]();
  await subject.detach();
  const after = subject.totals();
  return {
    calls: done.calls,
    cpuPerCall: done.cpuNs / done.calls,
    wallPerCall: done.wallNs / done.calls,
    runs: after.runs - before.runs,
    ns: after.ns - before.ns,
    delivered: after.delivered - before.delivered,
    lost: after.lost - before.lost,
  };
}

/** Nanoseconds of a run for a process that is no target: what other programs' system calls add to the statistics. */
async function filteredRunNs(subject, ping, bystander) {
  const run = await oneRun(subject, ping, 'exchange 4000 100 200 0', {
    target: bystander.pid,
    statistics: true,
  });
  return run.ns / run.runs;
}

/** @param {{ rounds: number, exchanges: number, log: (line: string) => void }} options */
export async function run({ rounds, exchanges, log }) {
  const ping = new LineProcess(compileC('bpf/ping.c'), ['1']);
  const bystander = new LineProcess(compileC('bpf/ping.c'));
  const floor = programs.floor();
  const empty = programs.emptyOnExit();
  const subjects = [programs.untraced(), empty, floor, await programs.socketTracer()];
  const figures = [];
  const raw = {};
  try {
    const filteredNs = {};
    for (const subject of subjects.slice(1)) {
      filteredNs[subject.name] = await filteredRunNs(subject, ping, bystander);
    }
    for (const load of loads) {
      log(`${load.name}: ${rounds} rounds`);
      const perEvent = {};
      const perCall = {};
      for (let round = 0; round < rounds; round++) {
        for (const subject of subjects) {
          if (load.ownOnly && (subject === floor || subject === empty)) continue;
          const command = load.command(exchanges);
          const plain = await oneRun(subject, ping, command);
          (perCall[subject.name] ??= []).push(plain.cpuPerCall);
          if (subject.name === 'untraced') continue;
          const counted = await oneRun(subject, ping, command, { statistics: true });
          const surplus = Math.max(0, counted.runs - counted.calls * runsPerCall(subject));
          const ns = counted.ns - surplus * filteredNs[subject.name];
          (perEvent[subject.name] ??= []).push(ns / counted.calls);
          if (counted.lost > counted.calls / 100) {
            throw new Error(`${subject.name} lost ${counted.lost} of ${counted.calls} events`);
          }
        }
      }
      raw[load.name] = { nsPerEvent: perEvent, cpuNsPerCall: perCall };
      if (!load.ownOnly) {
        const compared = ratio(perEvent.libtrace, perEvent.floor);
        figures.push({
          name: `BPF per event, ${load.name} (base: floor)`,
          unit: 'ns',
          base: summary(perEvent.floor),
          ours: summary(perEvent.libtrace),
          compared,
          aim: '≤ 2 × floor',
          ok: compared.median <= 2,
        });
        figures.push({
          name: `  added to a system call (base: floor)`,
          unit: 'ns',
          base: difference(perCall.floor, perCall.untraced),
          ours: difference(perCall.libtrace, perCall.untraced),
          compared: difference(perCall.libtrace, perCall.floor),
          comparison: '+',
        });
      } else {
        figures.push({
          name: `BPF per event, ${load.name}`,
          unit: 'ns',
          ours: summary(perEvent.libtrace),
        });
      }
      figures.push({
        name: `  CPU of a system call`,
        unit: 'ns',
        base: summary(perCall.untraced),
        ours: summary(perCall.libtrace),
        compared: ratio(perCall.libtrace, perCall.untraced),
      });
    }
    figures.push({
      name: 'an empty program on sys_exit, per run',
      unit: 'ns',
      ours: summary(raw[loads[0].name].nsPerEvent[empty.name]),
      note: "an empty program's time is the statistics' own share: once in the floor, twice in ours (entry and exit)",
    });
  } finally {
    await ping.end();
    await bystander.end();
    for (const subject of subjects) subject.close();
  }
  return { title: 'Kernel side, per event', figures, raw };
}
