// SPDX-License-Identifier: Apache-2.0
import { defineProtocol, type ProtocolPlugin } from '@libtrace/core/plugin';
import { ConnectionMatcher, isInOrder } from './connection-matcher.js';
import { ConnectionParser } from './connection-parser.js';
import type { HttpFrame } from './frames.js';
import { HeadReader } from './head.js';
import { HeaderCollector } from './http2/header-list.js';
import { inference } from './inference.js';
import { RecordBuilder } from './record.js';
import type { HttpAttributes, HttpOptions } from './types.js';

/**
 * HTTP/1.0, HTTP/1.1 (RFC 9112) and HTTP/2 (RFC 9113), with gRPC, gRPC-Web and WebSocket (RFC 6455) on them.
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import { http } from '@libtrace/proto-http';
 *
 * await using tracer = createTracer({ plugins: [http()], target: { all: true } });
 * await tracer.attach();
 * for await (const record of tracer) console.log(record.operation, record.attributes['url.path']);
 * ```
 *
 * @param options what to show; by default no header fields and no credentials
 */
export function http(options: HttpOptions = {}): ProtocolPlugin<'http', HttpFrame, HttpAttributes> {
  const allowed = {
    request: names(options.requestHeaders),
    response: names(options.responseHeaders),
  };
  const readers = { heads: new HeadReader(allowed), collector: new HeaderCollector(allowed) };
  const records = new RecordBuilder(options);
  return defineProtocol({
    kind: 'protocol',
    apiVersion: 1,
    name: 'http',
    transports: ['tcp', 'tls', 'unix'],
    // Node's HTTP/2 writes 64 KiB and at most one frame by one call: a hole there may hide the heads of other streams.
    captureBytes: 98_304,
    inference,
    matching: { mode: 'custom', create: () => new ConnectionMatcher(), inOrder: isInOrder },
    createParser: (connection) => new ConnectionParser(readers, connection.midstream),
    toRecord: (exchange, connection) => records.build(exchange, connection),
  });
}

/** Lower case, each once, no empty ones. */
function names(list: readonly string[] | undefined): readonly string[] {
  return [...new Set(list?.map((name) => name.trim().toLowerCase()))].filter((name) => name !== '');
}
