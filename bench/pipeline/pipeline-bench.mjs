// SPDX-License-Identifier: Apache-2.0
/**
 * Exchanges per second of the user-space pipeline on one core: segments in memory → streams → HTTP parser → matcher →
 * records. No kernel, no I/O.
 *
 *   node bench/pipeline/pipeline-bench.mjs [--rounds 7] [--exchanges 1000000] [--json]
 *
 * Each case plays the same 64 exchanges over and over on 64 connections, as a reader hands them over: segment objects
 * reused, bytes in one slab. One warm-up round, then the rounds that count; median and spread are printed. Seconds are
 * of CPU time of the whole process, garbage collection included, so that a busy machine does not distort them much.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { summary } from '../lib/statistics.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const connections = 64;
const httpd = { pid: 7, ppid: 1, comm: 'httpd', exe: '/usr/bin/httpd', cgroup: '/' };

const curlRequest = (i) =>
  `GET /items/${i}?page=2 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n`;
const jsonResponse = (i) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Fri, 20 Nov 2026 07:00:00 GMT\r\n` +
  `Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 27\r\n\r\n{"id":${1000 + (i % 9000)},"name":"abcdef"}`;

/** How the bytes of an exchange (or of several, pipelined) come in segments. */
const cases = {
  'one segment per message': { pipelined: 1, pieces: 1 },
  'messages split in 4': { pipelined: 1, pieces: 4 },
  '10 pipelined per segment': { pipelined: 10, pieces: 1 },
};

/** The packages as they are in the working tree, in one module. */
async function loadPackages() {
  const directory = await mkdtemp(join(tmpdir(), 'pipeline-bench-'));
  const outfile = join(directory, 'bundle.mjs');
  await build({
    stdin: {
      contents:
        `export { Pipeline } from ${JSON.stringify(join(root, 'packages/core/src/stream/index.ts'))};` +
        `export { http } from '@libtrace/proto-http';`,
      resolveDir: join(root, 'packages/cli'),
    },
    conditions: ['@libtrace/source'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'error',
  });
  const loaded = await import(pathToFileURL(outfile).href);
  await rm(directory, { recursive: true });
  return loaded;
}

/** The segments of 64 turns (a request and its response, or a batch of them), in one slab. */
function makeTurns({ pipelined, pieces }) {
  const chunks = [];
  let size = 0;
  const turns = [];
  const add = (text, direction) => {
    const bytes = Buffer.from(text, 'latin1');
    const list = [];
    for (let i = 0; i < pieces; i++) {
      const from = Math.floor((bytes.length * i) / pieces);
      const to = Math.floor((bytes.length * (i + 1)) / pieces);
      list.push({ direction, dataStart: size + from, length: to - from });
    }
    chunks.push(bytes);
    size += bytes.length;
    return list;
  };
  for (let turn = 0; turn < 64; turn++) {
    const ids = Array.from({ length: pipelined }, (_, i) => turn * pipelined + i);
    turns.push([
      ...add(ids.map(curlRequest).join(''), 'in'),
      ...add(ids.map(jsonResponse).join(''), 'out'),
    ]);
  }
  return { slab: Buffer.concat(chunks), turns };
}

function playRound({ Pipeline, http }, options, exchanges) {
  const { slab, turns } = makeTurns(options);
  let records = 0;
  let complete = 0;
  const pipeline = new Pipeline({
    plugins: [http()],
    source: 'recording',
    onRecord: (record) => {
      records++;
      if (record.complete) complete++;
    },
    wallClockOffsetNs: 0n,
  });
  const positions = [];
  for (let id = 0; id < connections; id++) {
    positions.push({ in: 0, out: 0 });
    pipeline.open({
      id,
      transport: 'tcp',
      role: 'server',
      local: { address: '127.0.0.1', port: 8080 },
      remote: { address: '127.0.0.1', port: 40_000 + id },
      midstream: false,
    });
  }
  const segment = {
    direction: 'in',
    position: 0,
    length: 0,
    captured: 0,
    data: slab,
    dataStart: 0,
    holeReason: undefined,
    oppositePosition: 0,
    startNs: 0,
    endNs: 0,
    tid: 8,
    process: httpd,
  };
  let nowNs = 1e12;
  let id = 0;
  const rounds = Math.ceil(exchanges / options.pipelined);
  const started = process.cpuUsage();
  for (let turn = 0; turn < rounds; turn++) {
    const position = positions[id];
    for (const piece of turns[turn & 63]) {
      segment.direction = piece.direction;
      segment.dataStart = piece.dataStart;
      segment.length = segment.captured = piece.length;
      segment.startNs = nowNs;
      segment.endNs = nowNs + 500;
      nowNs += 1000;
      if (piece.direction === 'in') {
        segment.position = position.in;
        segment.oppositePosition = position.out;
        position.in += piece.length;
      } else {
        segment.position = position.out;
        segment.oppositePosition = position.in;
        position.out += piece.length;
      }
      pipeline.segment(id, segment, undefined);
    }
    if (++id === connections) {
      id = 0;
      if ((turn & 0xfff) === 0xfff) pipeline.tick(nowNs);
    }
  }
  const { user, system } = process.cpuUsage(started);
  const seconds = (user + system) / 1e6;
  const played = rounds * options.pipelined;
  if (records !== played || complete !== played) {
    throw new Error(`${played} exchanges gave ${records} records, ${complete} of them complete`);
  }
  return played / seconds;
}

/** @returns {Promise<{ name: string, unit: string, results: Record<string, object> }>} */
export async function run({ rounds = 7, exchanges = 1_000_000 } = {}) {
  const packages = await loadPackages();
  const results = {};
  for (const [name, options] of Object.entries(cases)) {
    playRound(packages, options, exchanges / 4);
    const rates = [];
    for (let round = 0; round < rounds; round++) {
      rates.push(playRound(packages, options, exchanges));
    }
    results[name] = summary(rates);
  }
  return { name: 'pipeline', unit: 'exchanges per CPU second', results };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      exchanges: { type: 'string', default: '1000000' },
      json: { type: 'boolean', default: false },
    },
  });
  const report = await run({ rounds: +values.rounds, exchanges: +values.exchanges });
  if (values.json) {
    console.log(JSON.stringify(report, null, 2));
  } else {
    for (const [name, { median, min, max }] of Object.entries(report.results)) {
      const thousands = (rate) => `${Math.round(rate / 1000)}k`;
      console.log(
        `${name.padEnd(28)} ${thousands(median)} exchanges per CPU second (${thousands(min)} to ${thousands(max)})`,
      );
    }
  }
}
