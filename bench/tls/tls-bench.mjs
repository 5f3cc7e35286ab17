// SPDX-License-Identifier: Apache-2.0
// Servers with TLS under load, and calls of libssl alone: untraced, traced, and traced with probes at the first
// instruction of every function instead of where the planner puts them.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileC } from '../lib/build.mjs';
import { LineProcess } from '../lib/line-process.mjs';
import { difference, ratio, summary } from '../lib/statistics.mjs';
import { PrivateFiles } from './private-files.mjs';
import { makeCertificate, startGo, startNginx, startNode } from './servers.mjs';

const execute = promisify(execFile);
const connections = 16;
/** What is under way when a client ends has come to its end after this. */
const settleMs = 200;
const variants = ['untraced', 'cheapest', 'naive'];

async function wrk(port, seconds) {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  const { stdout } = await execute('wrk', [...args, `https://127.0.0.1:${port}/`]);
  if (/Socket errors|Non-2xx/.test(stdout)) throw new Error(`wrk: ${stdout}`);
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
  };
}

/** Runs a load under a tracer, or without one. */
async function under(tracer, variant, pid, load) {
  if (variant === 'untraced') return load();
  const { files } = await tracer.ask(`attach ${pid} ${variant}`);
  if (files === 0) throw new Error('nothing was probed');
  await tracer.ask('begin');
  const result = await load();
  await sleep(settleMs);
  const traced = await tracer.ask('end');
  await tracer.ask('detach');
  return { ...result, traced };
}

async function measureServer(server, seconds) {
  const before = server.cpuNs();
  const client = await wrk(server.port, seconds);
  return { ...client, cpuNsPerRequest: (server.cpuNs() - before) / client.requests };
}

const pick = (rounds, key) => rounds.map((round) => round[key]);
const inUs = (values) => values.map((ns) => ns / 1000);

function serverFigures(name, { untraced, cheapest, naive }) {
  const compare = (label, unit, ours, base) => ({
    name: `${name}: ${label}`,
    unit,
    base: summary(base),
    ours: summary(ours),
    compared: ratio(ours, base),
  });
  const cpu = (rounds) => inUs(pick(rounds, 'cpuNsPerRequest'));
  const records = cheapest.map(({ traced, requests }) => traced.records / requests);
  const lost = cheapest.reduce((sum, { traced }) => sum + traced.lost, 0);
  const per = (key) => summary(cheapest.map((r) => r.traced[key] / r.requests / 1000));
  return [
    compare('requests/s', '1/s', pick(cheapest, 'perSecond'), pick(untraced, 'perSecond')),
    compare(
      '… with naive probes instead',
      '1/s',
      pick(naive, 'perSecond'),
      pick(untraced, 'perSecond'),
    ),
    compare('CPU of the server per request', 'µs', cpu(cheapest), cpu(untraced)),
    compare('… with naive probes instead', 'µs', cpu(naive), cpu(untraced)),
    { name: `${name}: tracer, JavaScript thread, per request`, unit: 'µs', ours: per('mainNs') },
    { name: `${name}: tracer, native reader, per request`, unit: 'µs', ours: per('readerNs') },
    { name: `${name}: tracer, all threads, per request`, unit: 'µs', ours: per('allNs') },
    {
      name: `${name}: records/requests`,
      unit: '',
      ours: summary(records),
      note: `${name}: wrk does not count the up to ${connections} requests under way at its end; ${lost} events lost.`,
    },
  ];
}

function callFigures(name, { untraced, cheapest, naive }) {
  const perCall = (rounds) => rounds.map(({ cpuNs, calls }) => cpuNs / calls);
  const lost = [...cheapest, ...naive].reduce((sum, { traced }) => sum + traced.lost, 0);
  const line = (label, rounds) => ({
    name: `${name}: ${label}`,
    unit: 'ns',
    base: summary(perCall(untraced)),
    ours: summary(perCall(rounds)),
    compared: difference(perCall(rounds), perCall(untraced)),
    comparison: '+',
  });
  return [
    line('CPU of a call of SSL_read or SSL_write', cheapest),
    {
      ...line('… with naive probes instead', naive),
      note: `${name}: system calls that carry the ciphertext are traced, too, and in it; ${lost} events lost.`,
    },
  ];
}

/** Every variant in turn, round by round; the order changes, so that a machine that becomes slower favours none. */
async function interleaved(rounds, one) {
  const results = Object.fromEntries(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed())
      results[variant].push(await one(variant));
  }
  return results;
}

/** @param {{ rounds: number, seconds: number, exchanges: number, log: (line: string) => void }} options */
export async function run({ rounds, seconds, exchanges, log }) {
  const files = new PrivateFiles();
  const certificate = makeCertificate(files.directory);
  // The tracer inherits it: it puts probes into copies only.
  process.env.LIBTRACE_PROBE_ONLY = files.directory;
  const script = fileURLToPath(new URL('tracer-child.mjs', import.meta.url));
  const tracer = new LineProcess(process.execPath, [script]);
  const figures = [];
  const raw = {};
  const stops = [() => tracer.end()];
  try {
    const program = files.program(compileC('tls/calls.c', { flags: ['-lssl', '-lcrypto'] }));
    const [path, ...args] = [...program, certificate.key, certificate.certificate];
    const caller = new LineProcess(path, args);
    stops.push(() => caller.end());
    await caller.ask('exchange 1000 200 400');
    files.assertPrivate(caller.pid);
    for (const [asked, answered] of [
      [200, 400],
      [200, 4096],
    ]) {
      const name = `libssl, ${asked} B / ${answered} B`;
      log(`${name}: ${rounds} rounds`);
      const load = () => caller.ask(`exchange ${exchanges} ${asked} ${answered}`);
      raw[name] = await interleaved(rounds, (variant) => under(tracer, variant, caller.pid, load));
      figures.push(...callFigures(name, raw[name]));
    }
    for (const start of [startNginx, startNode, startGo]) {
      const server = await start(files, certificate);
      stops.push(() => server.stop());
      for (const pid of [server.pid, ...server.workers()]) files.assertPrivate(pid);
      log(`${server.name}: ${rounds} rounds of ${variants.length} × ${seconds} s`);
      await measureServer(server, Math.min(seconds, 2));
      raw[server.name] = await interleaved(rounds, (variant) =>
        under(tracer, variant, server.pid, () => measureServer(server, seconds)),
      );
      figures.push(...serverFigures(server.name, raw[server.name]));
    }
  } finally {
    for (const stop of stops.reverse()) await stop();
    files.remove();
  }
  return { title: 'TLS, 1.3', figures, raw };
}
