// SPDX-License-Identifier: Apache-2.0
/**
 * Nanoseconds per message of the HTTP parser, without the pipeline around it.
 *
 *   node bench/http-parser/parser-bench.mjs [seconds per case, default 1]
 *
 * Each case goes over 64 different messages in one buffer, as slabs hold them, and is warmed up first. The lowest of
 * five rounds is printed with their median: what the code costs, and what a busy machine makes of it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const seconds = Number(process.argv[2] ?? 1);

const directory = await mkdtemp(join(tmpdir(), 'parser-bench-'));
const outfile = join(directory, 'bundle.mjs');
await build({
  stdin: {
    contents: `export { http } from '@libtrace/proto-http'; export { ByteView } from '@libtrace/core/plugin';`,
    resolveDir: join(root, 'packages/cli'),
  },
  conditions: ['@libtrace/source'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outfile,
});
const { http, ByteView } = await import(pathToFileURL(outfile).href);
await rm(directory, { recursive: true });

const connection = {
  id: 1,
  transport: 'tcp',
  role: 'server',
  local: { address: '127.0.0.1', port: 8080 },
  remote: { address: '127.0.0.1', port: 40_000 },
  midstream: false,
};

const small = (i) => `GET /items/${i} HTTP/1.1\r\nHost: localhost:8080\r\n\r\n`;
const curl = (i) =>
  `GET /items/${i}?page=2 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n`;
const browser = (i) =>
  `GET /items/${i} HTTP/1.1\r\nHost: shop.example.com\r\nConnection: keep-alive\r\n` +
  `sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"\r\nsec-ch-ua-mobile: ?0\r\n` +
  `Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n` +
  `Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n` +
  `Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n` +
  `Cookie: session=${'0123456789abcdef'.repeat(12)}; theme=dark\r\n\r\n`;
const ok = () =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Fri, 20 Nov 2026 07:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 27\r\n\r\n{"id":1234,"name":"abcdef"}`;
const chunked = () =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n`;

function measure(name, side, message, options) {
  const plugin = http(options);
  const texts = Array.from({ length: 64 }, (_, i) => message(i));
  const buffer = Buffer.from(texts.join(''), 'latin1');
  const view = new ByteView();
  let parser;
  const round = () => {
    let at = 0;
    for (const text of texts) {
      view.reset(buffer, at, text.length, 0, false, 0);
      const result = parser.parse(side, view);
      if (result.status !== 'frame') throw new Error(`${name}: ${result.status}`);
      at += text.length;
    }
  };
  print(name, `${(buffer.length / texts.length).toFixed(0)} bytes`, texts.length, () => {
    parser = plugin.createParser(connection);
    round();
  });
}

function measureRecord() {
  const plugin = http();
  const parser = plugin.createParser(connection);
  const frames = Array.from({ length: 64 }, (_, i) => {
    const messages = [curl(i), ok()].map((text, side) => {
      const view = new ByteView();
      view.reset(Buffer.from(text), 0, text.length, 0, false, 0);
      const { frame, consumed } = parser.parse(side === 0 ? 'request' : 'response', view);
      return { frame, startNs: 0, endNs: 1, bytes: consumed, holeBytes: 0, truncated: false };
    });
    return { request: messages[0], response: messages[1] };
  });
  let status = 0;
  print('toRecord', 'curl exchange', frames.length, () => {
    for (const exchange of frames) {
      status += plugin.toRecord(exchange, connection).attributes['http.response.status_code'];
    }
  });
  return status;
}

function print(name, size, perCall, call) {
  const rounds = [];
  for (let warm = performance.now() + 300; performance.now() < warm;) call();
  for (let i = 0; i < 5; i++) {
    const until = performance.now() + (seconds * 1000) / 5;
    const began = performance.now();
    let calls = 0;
    do {
      for (let j = 0; j < 50; j++) call();
      calls += 50;
    } while (performance.now() < until);
    rounds.push(((performance.now() - began) * 1e6) / (calls * perCall));
  }
  rounds.sort((a, b) => a - b);
  const [best, median] = [rounds[0], rounds[2]].map((ns) => `${ns.toFixed(0).padStart(6)} ns`);
  console.log(`${name.padEnd(34)} ${size.padStart(14)}  best ${best}  median ${median}`);
}

measure('small request', 'request', small);
measure('curl request', 'request', curl);
measure('browser request', 'request', browser);
measure('browser request, 2 listed fields', 'request', browser, {
  requestHeaders: ['accept', 'cookie'],
});
measure('json response with its body', 'response', ok);
measure('chunked response with its body', 'response', chunked);
measureRecord();
