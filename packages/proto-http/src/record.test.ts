// SPDX-License-Identifier: Apache-2.0
import type { ConnectionInfo, Exchange, Message } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { http } from './index.js';
import type { HttpFrame, HttpOptions } from './index.js';
import { Driver } from './test-driver.js';

const connection: ConnectionInfo = {
  id: 1,
  transport: 'tcp',
  role: 'client',
  local: { address: '10.0.0.1', port: 40_000 },
  remote: { address: '10.0.0.2', port: 8080 },
  midstream: false,
};
const nobody = { pid: 0, ppid: 0, comm: '', exe: '', cgroup: '' };
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Wanted extends HttpOptions {
  readonly on?: Partial<ConnectionInfo>;
}

/** What a record says of one exchange; `undefined` for a message that was not seen. */
function record(request: string | undefined, response: string | undefined, wanted: Wanted = {}) {
  const headers = [...(wanted.requestHeaders ?? []), ...(wanted.responseHeaders ?? [])];
  const driver = new Driver({ headers });
  if (request !== undefined) driver.feed(['request', request]);
  if (response !== undefined) driver.feed(['response', response]);
  driver.end();
  const message = (side: string): Message<HttpFrame> | undefined => {
    const seen = driver.seen.find((one) => one.side === side);
    return seen && { ...seen, startNs: 0, endNs: 0, holeBytes: 0, process: nobody, tid: 0 };
  };
  const exchange: Exchange<HttpFrame> = {
    request: message('request'),
    response: message('response'),
  };
  return http(wanted).toRecord(exchange, { ...connection, ...wanted.on });
}

describe('attributes', () => {
  it('names everything that a plain exchange says', () => {
    const request =
      'POST /p/a?q=1&r=%20 HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: t/1\r\nContent-Length: 3\r\n\r\nabc';
    expect(record(request, ok)).toEqual({
      operation: 'POST',
      status: 'ok',
      attributes: {
        'http.request.method': 'POST',
        'url.path': '/p/a',
        'url.query': 'q=1&r=%20',
        'url.scheme': 'http',
        'server.address': 'example.com',
        'server.port': 8080,
        'user_agent.original': 't/1',
        'http.request.body.size': 3,
        'http.response.status_code': 200,
        'http.response.body.size': 2,
        'network.protocol.name': 'http',
        'network.protocol.version': '1.1',
      },
    });
  });

  it('leaves out keys that nothing is known of', () => {
    const result = record('GET / HTTP/1.0\r\n\r\n', undefined);
    expect(result?.status).toBe('unknown');
    expect(Object.keys(result!.attributes).sort()).toEqual([
      'http.request.body.size',
      'http.request.method',
      'network.protocol.name',
      'network.protocol.version',
      'url.path',
      'url.scheme',
    ]);
  });

  it('tells of a response alone', () => {
    expect(record(undefined, ok)).toEqual({
      operation: 'HTTP',
      status: 'ok',
      attributes: {
        'http.response.status_code': 200,
        'http.response.body.size': 2,
        'network.protocol.name': 'http',
        'network.protocol.version': '1.1',
      },
    });
  });

  it('says nothing of nothing', () => {
    expect(record(undefined, undefined)).toBeUndefined();
  });

  it.each([
    ['BREW', 'HTTP', '_OTHER', 'BREW'],
    ['get', 'HTTP', '_OTHER', 'get'],
    ['PROPFIND', 'PROPFIND', 'PROPFIND', undefined],
    ['PATCH', 'PATCH', 'PATCH', undefined],
  ])('reports the method %s', (method, operation, value, original) => {
    const result = record(`${method} / HTTP/1.1\r\n\r\n`, ok);
    expect(result?.operation).toBe(operation);
    expect(result?.attributes['http.request.method']).toBe(value);
    expect(result?.attributes['http.request.method_original']).toBe(original);
  });

  it('takes a list of known methods in place of its own', () => {
    const knownMethods = ['BREW'];
    expect(record('BREW / HTTP/1.1\r\n\r\n', ok, { knownMethods })?.operation).toBe('BREW');
    expect(record('GET / HTTP/1.1\r\n\r\n', ok, { knownMethods })?.operation).toBe('HTTP');
  });

  it('prefers the host of an absolute target, and hides its user', () => {
    const request = 'GET http://u:p@[::1]:81/a?token=x HTTP/1.1\r\nHost: other:82\r\n\r\n';
    expect(record(request, ok)?.attributes).toMatchObject({
      'server.address': '::1',
      'server.port': 81,
      'url.scheme': 'http',
      'url.path': '/a',
      'url.query': 'token=REDACTED',
      'url.full': 'http://REDACTED:REDACTED@[::1]:81/a?token=REDACTED',
    });
  });

  it('reads the authority of CONNECT and marks the tunnel', () => {
    const result = record(
      'CONNECT db.example:443 HTTP/1.1\r\nHost: proxy\r\n\r\n',
      'HTTP/1.1 200 Connected\r\n\r\n',
    );
    expect(result).toMatchObject({
      operation: 'CONNECT',
      status: 'ok',
      attributes: {
        'server.address': 'db.example',
        'server.port': 443,
        'libtrace.http.upgrade': 'opaque',
      },
    });
    expect(result?.attributes).not.toHaveProperty('url.path');
  });

  it('marks an upgrade', () => {
    const response = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
    expect(record('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n', response)).toMatchObject({
      status: 'ok',
      attributes: { 'http.response.status_code': 101, 'libtrace.http.upgrade': 'websocket' },
    });
  });

  it('says https where the bytes come from a TLS library', () => {
    const result = record('GET / HTTP/1.1\r\n\r\n', ok, { on: { transport: 'tls' } });
    expect(result?.attributes['url.scheme']).toBe('https');
  });
});

describe('status', () => {
  it.each([
    [200, 'ok', undefined, undefined],
    [301, 'ok', undefined, undefined],
    [404, 'client-error', '404', undefined],
    [500, 'server-error', '500', '500'],
    [799, 'server-error', '799', '799'],
  ])('of %d is %s', (code, status, forClient, forServer) => {
    const response = `HTTP/1.1 ${code} x\r\nContent-Length: 0\r\n\r\n`;
    const request = 'GET / HTTP/1.1\r\n\r\n';
    const client = record(request, response);
    const server = record(request, response, { on: { role: 'server' } });
    expect([client?.status, server?.status]).toEqual([status, status]);
    expect(client?.attributes['error.type']).toBe(forClient);
    expect(server?.attributes['error.type']).toBe(forServer);
  });
});

describe('body sizes', () => {
  const request = 'GET / HTTP/1.1\r\n\r\n';
  const size = 'http.response.body.size';

  it('counts chunks without their framing', () => {
    const response =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n';
    const result = record(request, response);
    expect(result?.attributes[size]).toBe(7);
    expect(result).not.toHaveProperty('missing');
  });

  it('counts a body up to the end of the connection', () => {
    const result = record(request, 'HTTP/1.0 200 OK\r\n\r\nabcde');
    expect(result?.attributes[size]).toBe(5);
    expect(result).not.toHaveProperty('missing');
  });

  it.each([
    ['Content-Length: 10', 'abc', 3],
    ['Transfer-Encoding: chunked', '2\r\nab\r\n9\r\nabc', 5],
    ['Transfer-Encoding: chunked', '2\r\nab\r\n9', 2],
  ])('counts what moved of a truncated body with %s', (field, body, moved) => {
    const result = record(request, `HTTP/1.1 200 OK\r\n${field}\r\n\r\n${body}`);
    expect(result?.attributes[size]).toBe(moved);
    expect(result?.missing).toEqual(['response.body', 'response.size']);
  });

  it('says that a head is cut', () => {
    const result = record('POST /a HTTP/1.1\r\nHost: h\r\nX', undefined);
    expect(result?.attributes['server.address']).toBe('h');
    expect(result?.missing).toEqual(['request.head', 'request.size']);
  });
});

describe('header fields', () => {
  const request =
    'GET / HTTP/1.1\r\nAccept: a\r\nACCEPT: b\r\nAuthorization: Basic x\r\nX-Other: 1\r\n\r\n';
  const response =
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n';

  it('reports none unless asked', () => {
    expect(Object.keys(record(request, response)!.attributes).join()).not.toContain('header');
  });

  it('reports those that are listed, credentials hidden', () => {
    const result = record(request, response, {
      requestHeaders: ['Accept', 'authorization'],
      responseHeaders: ['content-type', 'Set-Cookie', 'absent'],
    });
    expect(result?.attributes).toMatchObject({
      'http.request.header.accept': ['a', 'b'],
      'http.request.header.authorization': ['REDACTED'],
      'http.response.header.content-type': ['text/plain'],
      'http.response.header.set-cookie': ['REDACTED', 'REDACTED'],
    });
    expect(result?.attributes).not.toHaveProperty('http.response.header.absent');
    expect(result?.attributes).not.toHaveProperty('http.request.header.x-other');
  });

  it('shows credentials when told to', () => {
    const result = record(request, response, { requestHeaders: ['authorization'], redact: false });
    expect(result?.attributes['http.request.header.authorization']).toEqual(['Basic x']);
  });
});
