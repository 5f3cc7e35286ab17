// SPDX-License-Identifier: Apache-2.0
// A server of Node's HTTP/2 (nghttp2) behind a tee, and what tests ask of it.
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientSessionOptions,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { type Conversation, type HttpRecord, Tee } from '../traffic.test-support.js';

/** A server and the proxy before it. */
export class NodeServer {
  readonly tee: Tee;
  readonly #server: Http2Server;

  private constructor(server: Http2Server, tee: Tee) {
    this.#server = server;
    this.tee = tee;
  }

  static async start({ padded = false } = {}): Promise<NodeServer> {
    const server = createServer({
      paddingStrategy: padded ? constants.PADDING_STRATEGY_MAX : constants.PADDING_STRATEGY_NONE,
      settings: { enableConnectProtocol: true },
      maxHeaderListPairs: 1000,
      maxSendHeaderBlockLength: 1_000_000,
    } as ServerOptions);
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      stream.on('data', () => undefined);
      stream.on('end', () => answer(stream, String(headers[':path']).split('?')[0]!));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new NodeServer(server, await Tee.before((server.address() as AddressInfo).port));
  }

  get port(): number {
    return this.tee.port;
  }

  close(): void {
    this.tee.close();
    this.#server.close();
  }

  /** Runs what a client does on one connection; returns what moved on it. */
  async converse(
    act: (client: ClientHttp2Session) => Promise<void>,
    options: ClientSessionOptions = {},
  ): Promise<Conversation> {
    const before = this.tee.conversations.length;
    const client = connect(`http://127.0.0.1:${this.port}`, options);
    client.on('error', () => undefined);
    await act(client);
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.close();
    if (!client.destroyed) await closed;
    return this.tee.conversations[before]!;
  }
}

/** `/sized/N` answers with N bytes, `/status/N` with a status, `/trailers` with trailers; the body of a POST is read. */
function answer(stream: ServerHttp2Stream, path: string): void {
  const [, kind = '', argument = ''] = path.split('/');
  if (stream.destroyed) return;
  const extra = { 'x-path': path, server: 'node' };
  if (kind === 'status') {
    stream.respond({ ':status': Number(argument), ...extra }, { endStream: true });
  } else if (kind === 'trailers') {
    stream.respond({ ':status': 200, ...extra }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1234' }));
    stream.end('body');
  } else if (kind === 'push') {
    stream.pushStream({ ':path': '/pushed', ':method': 'GET' }, (error, pushed) => {
      if (error !== null) return;
      pushed.respond({ ':status': 200, 'content-type': 'text/plain' });
      pushed.end('pushed');
    });
    stream.respond({ ':status': 200 });
    stream.end('page');
  } else if (kind === 'large') {
    stream.respond({ ':status': 200, 'x-large': 'v'.repeat(Number(argument)) });
    stream.end('large');
  } else if (kind === 'reset') {
    stream.respond({ ':status': 200 });
    stream.write('some');
    setTimeout(() => stream.destroy(new Error('on purpose')), 5);
  } else if (kind === 'refuse') {
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  } else if (kind === 'never') {
    stream.respond({ ':status': 200 });
    stream.write('begun');
  } else if (kind === 'goaway') {
    const { session } = stream;
    session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, Number(stream.id) - 2);
  } else if (kind === 'early') {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    stream.respond({ ':status': 200 });
    stream.end('late');
  } else {
    stream.respond({ ':status': 200, ...extra });
    stream.end(Buffer.alloc(Number(argument) || 0, 'x'));
  }
}

/** What a client was answered. */
export interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: number;
}

/** Asks one thing and reads the answer to its end. */
export function ask(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request(headers, { endStream: body === undefined });
    let answer: IncomingHttpHeaders = {};
    let size = 0;
    stream.on('response', (got) => (answer = got));
    stream.on('data', (bytes: Buffer) => (size += bytes.length));
    stream.on('end', () => resolve({ headers: answer, body: size }));
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
  });
}

/** What every record must say. */
export const told = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ operation, status, complete, attributes }) => [
    operation,
    attributes['url.path'],
    status,
    attributes['http.response.status_code'],
    attributes['http.request.body.size'],
    attributes['http.response.body.size'],
    complete,
  ]);

/** Fields to report, so that more can be wrong. */
export const shownHeaders = {
  requestHeaders: ['x-3', 'x-20'],
  responseHeaders: ['x-path', 'server', 'date'],
};

export const streamOf = (record: HttpRecord): number =>
  record.attributes['libtrace.http.stream_id'] ?? Number.NaN;

/** Every value that a record has is the true one; where it has none, it says so. */
export function expectTrueOrUnknown(record: HttpRecord, truth: HttpRecord): void {
  const unknown = {
    request: record.attributes['libtrace.http.unknown_request_headers'] ?? 0,
    response: record.attributes['libtrace.http.unknown_response_headers'] ?? 0,
  };
  const missing = new Set<string>(record.missing);
  for (const [name, value] of Object.entries(record.attributes)) {
    if (name.startsWith('libtrace.http.unknown_')) continue;
    const side = name.includes('request') ? 'request' : 'response';
    if (name.endsWith('.body.size') && missing.has(`${side}.size`)) {
      expect(value).toBeLessThanOrEqual(truth.attributes[name as 'http.request.body.size']!);
    } else {
      expect([name, value]).toEqual([name, truth.attributes[name as 'url.path']]);
    }
  }
  const absent = Object.keys(truth.attributes).filter((name) => !(name in record.attributes));
  const saysRequest = ['request', 'request.head'].some((each) => missing.has(each));
  const saysResponse = ['response', 'response.head'].some((each) => missing.has(each));
  for (const name of absent) {
    const isOfResponse = name.startsWith('http.response') || name === 'error.type';
    expect(isOfResponse ? saysResponse : saysRequest, `${name} is absent`).toBe(true);
  }
  if (unknown.request > 0) expect(saysRequest).toBe(true);
  if (unknown.response > 0) expect(saysResponse).toBe(true);
}
