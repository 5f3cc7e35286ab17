// SPDX-License-Identifier: Apache-2.0
// A real server under load, untraced and traced in turn: wrk as fast as it goes, then a fixed rate.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { emptyOnBoth } from '../bpf/programs.mjs';
import { bundleProgram, compileC } from '../lib/build.mjs';
import { LineProcess } from '../lib/line-process.mjs';
import { difference, ratio, summary } from '../lib/statistics.mjs';
import { Nginx } from './nginx.mjs';

const execute = promisify(execFile);
const connections = 32;
/** Requests a second of the runs at a fixed rate: about a tenth of what the worker can do on this kind of machine. */
const fixedRate = 5_000;

const milliseconds = (text) => {
  const [, value, unit] = /^([\d.]+)(us|ms|s)$/.exec(text);
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
};

async function wrk(url, seconds) {
  const args = ['-t2', `-c${connections}`, `-d${seconds}s`, '--latency', url];
  const { stdout } = await execute('wrk', args);
  const failed = /Socket errors|Non-2xx/.exec(stdout);
  if (failed) throw new Error(`wrk: ${stdout}`);
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    p50: milliseconds(/^\s+50%\s+(\S+)$/m.exec(stdout)[1]),
    p99: milliseconds(/^\s+99%\s+(\S+)$/m.exec(stdout)[1]),
  };
}

async function paced(program, port, path, seconds) {
  const args = [port, path, fixedRate, seconds, connections].map(String);
  const { stdout } = await execute(program, args);
  const { requests, p50us, p99us, seconds: took } = JSON.parse(stdout);
  return { requests, perSecond: requests / took, p50: p50us / 1000, p99: p99us / 1000 };
}

/** What is under way when a client ends has come to its end after this. */
const settleMs = 200;

/** One load on nginx. What it did is counted by nginx itself: wrk leaves out what was under way at its end. */
async function measure(nginx, load, tracer, statistics = false) {
  if (tracer) {
    await tracer.ask(`attach ${nginx.pid}${statistics ? ' statistics' : ''}`);
    await tracer.ask('begin');
  }
  const countedBefore = await nginx.requests();
  const cpuBefore = nginx.cpuNs();
  const client = await load();
  const serverNs = nginx.cpuNs() - cpuBefore;
  // The second look at the counter counts itself, and both looks are traced, too.
  const served = (await nginx.requests()) - countedBefore - 1;
  await sleep(settleMs);
  let traced;
  if (tracer) {
    traced = await tracer.ask('end');
    traced.records -= 2;
    await tracer.ask('detach');
  }
  return { ...client, served, serverNsPerRequest: serverNs / served, traced };
}

function missingText(traced) {
  const sums = {};
  for (const { traced: of } of traced) {
    for (const [what, count] of Object.entries(of.missing)) sums[what] = (sums[what] ?? 0) + count;
  }
  const parts = Object.entries(sums).map(([what, count]) => `${what} ${count}×`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

function loadFigures(name, { untraced, traced, empty }, limited) {
  const pick = (rounds, key) => rounds.map((round) => round[key]);
  const compare = (label, unit, key, extra = {}) => ({
    name: `${name}: ${label}`,
    unit,
    base: summary(pick(untraced, key)),
    ours: summary(pick(traced, key)),
    compared: ratio(pick(traced, key), pick(untraced, key)),
    ...extra,
  });
  const per = (key) => summary(traced.map((round) => round.traced[key] / round.served / 1000));
  const share = ratio(
    traced.map((round) => round.traced.records),
    pick(traced, 'served'),
  );
  const speed = compare('requests/s', '1/s', 'perSecond');
  if (!limited) Object.assign(speed, { aim: '≥ 0.95', ok: speed.compared.median >= 0.95 });
  const lost = traced.reduce((sum, round) => sum + round.traced.lost, 0);
  const unseen = traced.map((round) => round.served - round.requests);
  const mechanism = {
    name: `${name}: with empty programs instead`,
    unit: '1/s',
    base: speed.base,
    ours: summary(pick(empty, 'perSecond')),
    compared: ratio(pick(empty, 'perSecond'), pick(untraced, 'perSecond')),
  };
  return [
    speed,
    ...(limited ? [] : [mechanism]),
    compare('p50', 'ms', 'p50'),
    compare('p99', 'ms', 'p99'),
    {
      name: `${name}: records/requests`,
      unit: '',
      base: summary(pick(traced, 'served')),
      ours: summary(traced.map((round) => round.traced.records)),
      compared: share,
      aim: '= 1',
      ok: share.min === 1 && share.max === 1,
      note:
        `${name}: base is nginx's own count; the client counted ${Math.min(...unseen)} to ${Math.max(...unseen)} ` +
        `fewer (under way at its end). Missing in records: ${missingText(traced)}; ${lost} events lost.`,
    },
    {
      ...compare('CPU of nginx per request', 'µs', 'serverNsPerRequest'),
      base: summary(pick(untraced, 'serverNsPerRequest').map((ns) => ns / 1000)),
      ours: summary(pick(traced, 'serverNsPerRequest').map((ns) => ns / 1000)),
    },
    {
      name: `${name}: with empty programs instead`,
      unit: 'µs',
      base: summary(pick(untraced, 'serverNsPerRequest').map((ns) => ns / 1000)),
      ours: summary(pick(empty, 'serverNsPerRequest').map((ns) => ns / 1000)),
      compared: ratio(pick(empty, 'serverNsPerRequest'), pick(untraced, 'serverNsPerRequest')),
    },
    {
      name: `${name}: added to it`,
      unit: 'µs',
      compared: difference(
        pick(traced, 'serverNsPerRequest').map((ns) => ns / 1000),
        pick(untraced, 'serverNsPerRequest').map((ns) => ns / 1000),
      ),
      comparison: '+',
    },
    { name: `${name}: tracer, JavaScript thread, per request`, unit: 'µs', ours: per('mainNs') },
    { name: `${name}: tracer, native reader, per request`, unit: 'µs', ours: per('readerNs') },
    { name: `${name}: tracer, all threads, per request`, unit: 'µs', ours: per('allNs') },
  ];
}

/** @param {{ rounds: number, seconds: number, log: (line: string) => void }} options */
export async function run({ rounds, seconds, log }) {
  const pacedProgram = compileC('nginx/paced.c');
  const nginx = await Nginx.start();
  const tracer = new LineProcess(process.execPath, [
    await bundleProgram('bench/nginx/tracer-child.mjs'),
  ]);
  const empty = emptyOnBoth();
  const url = (path) => `http://127.0.0.1:${nginx.port}${path}`;
  const loads = [
    { name: 'wrk, file', load: () => wrk(url('/file'), seconds) },
    { name: 'wrk, return', load: () => wrk(url('/return'), seconds) },
    {
      name: `${fixedRate}/s, file`,
      load: () => paced(pacedProgram, nginx.port, '/file', seconds),
      limited: true,
    },
    {
      name: `${fixedRate}/s, return`,
      load: () => paced(pacedProgram, nginx.port, '/return', seconds),
      limited: true,
    },
  ];
  const figures = [];
  const raw = {};
  try {
    log('warm-up');
    await measure(nginx, () => wrk(url('/file'), Math.min(seconds, 2)), tracer);
    for (const { name, load, limited = false } of loads) {
      log(`${name}: ${rounds} rounds of 3 × ${seconds} s`);
      const results = { untraced: [], traced: [], empty: [] };
      const variants = [
        async () => results.untraced.push(await measure(nginx, load)),
        async () => results.traced.push(await measure(nginx, load, tracer)),
        async () => {
          await empty.attach(nginx.pid);
          results.empty.push(await measure(nginx, load));
          await empty.detach();
        },
      ];
      for (let round = 0; round < rounds; round++) {
        // The order changes, so that a machine that becomes slower or faster favours none.
        for (const variant of round % 2 === 0 ? variants : variants.toReversed()) await variant();
      }
      const counted = await measure(nginx, load, tracer, true);
      figures.push(...loadFigures(name, results, limited), {
        name: `${name}: BPF programs, per request`,
        unit: 'µs',
        ours: summary([counted.traced.programNs / counted.served / 1000]),
      });
      raw[name] = { ...results, withRunTimeStatistics: counted };
    }
  } finally {
    await tracer.end();
    await nginx.stop();
    empty.close();
  }
  return { title: 'nginx, 1 worker', figures, raw };
}
