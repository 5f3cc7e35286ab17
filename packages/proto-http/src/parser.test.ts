// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { HttpResponseFrame } from './frames.js';
import { Driver } from './test-driver.js';

const get = 'GET /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: t/1\r\n\r\n';
const head = 'HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n';
const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

const codes = (driver: Driver): number[] =>
  driver.frames('response').map((frame) => (frame as HttpResponseFrame).statusCode);
const sizes = (driver: Driver): number[] => driver.seen.map((one) => one.frame.bodyBytes);

describe('request heads', () => {
  it('reads method, target, version, Host and User-Agent', () => {
    const [frame] = new Driver().feed(['request', get]).frames();
    expect(frame).toEqual({
      kind: 'request',
      method: 'GET',
      target: '/a?b=c',
      version: '1.1',
      host: 'example.com:8080',
      userAgent: 't/1',
      headers: [],
      framing: 'none',
      bodyBytes: 0,
      overheadBytes: get.length,
      lost: undefined,
    });
  });

  it.each(['PROPFIND', 'M-SEARCH', 'BREW', 'get', 'VERSION-CONTROL', "!#$%&'*+-.^_`|~9"])(
    'takes the method %s as it is',
    (method) => {
      const driver = new Driver().feed(['request', `${method} / HTTP/1.1\r\n\r\n`]);
      expect(driver.frames()).toMatchObject([{ method, target: '/' }]);
    },
  );

  it.each([
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['RTSP', 'OPTIONS rtsp://h/ RTSP/1.0\r\n\r\n'],
    ['two spaces', 'GET  / HTTP/1.1\r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\n\r\n'],
    ['a control character in the target', 'GET /a\x01 HTTP/1.1\r\n\r\n'],
    ['text behind the version', 'GET / HTTP/1.1 x\r\n\r\n'],
    ['a method of more than 32 characters', `${'A'.repeat(33)} / HTTP/1.1\r\n\r\n`],
    ['a TLS record', '\x16\x03\x01\x02\x00'],
    ['a response on the side of requests', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['an empty method', ' / HTTP/1.1\r\n\r\n'],
    ['a bare CR', '\rno'],
  ])('refuses %s', (_, bytes) => {
    const driver = new Driver().feed(['request', bytes]);
    expect(driver.failures).not.toEqual([]);
    expect(driver.frames()).toEqual([]);
  });

  it('skips empty lines before a request, whole or not', () => {
    const driver = new Driver().feed(
      ['request', '\r\n\n\r'],
      ['request', `\n${get}\r\n`],
      ['request', get],
    );
    expect(driver.seen.map((one) => one.bytes)).toEqual([get.length, get.length]);
    expect(driver.skipped).toBe(7);
    expect(driver.failures).toEqual([]);
  });

  it('takes bare LF for a line end', () => {
    const driver = new Driver().feed([
      'request',
      'POST / HTTP/1.0\nHost:h\nContent-Length: 2\n\nokGET / HTTP/1.1\n\n',
    ]);
    expect(driver.frames()).toMatchObject([
      { version: '1.0', host: 'h', bodyBytes: 2 },
      { method: 'GET' },
    ]);
  });

  it('reads names in any case, values without white space, folded lines as one', () => {
    const driver = new Driver({ headers: ['x-list'] }).feed([
      'request',
      'POST / HTTP/1.1\r\nHOST :\t h \t\r\nuSeR-aGeNt:a\r\n \t b\r\nX-List: 1\r\nx-list:\r\n\t2\r\n' +
        'X-Lis: no\r\ncontent-LENGTH:\r\n 3\r\n\r\nabc',
    ]);
    expect(driver.frames()).toMatchObject([
      {
        host: 'h',
        userAgent: 'a b',
        bodyBytes: 3,
        headers: [
          { name: 'x-list', value: '1' },
          { name: 'x-list', value: '2' },
        ],
      },
    ]);
  });

  it('keeps the first Host and the first User-Agent', () => {
    const driver = new Driver().feed(['request', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n']);
    expect(driver.frames()).toMatchObject([{ host: 'a' }]);
  });

  it('shows UTF-8 as text', () => {
    const bytes = Buffer.from('GET /grün HTTP/1.1\r\nHost: ü\r\n\r\n', 'utf8');
    expect(new Driver().feed(['request', bytes]).frames()).toMatchObject([
      { target: '/grün', host: 'ü' },
    ]);
  });

  it('takes heads up to 64 KiB and no larger ones, however they arrive', () => {
    const sized = (bytes: number): string =>
      `GET / HTTP/1.1\r\nX: ${'x'.repeat(bytes - 23)}\r\n\r\n`;
    expect(sized(65_536)).toHaveLength(65_536);
    for (const [size, frames] of [
      [65_536, 1],
      [65_537, 0],
      [100_000, 0],
    ] as const) {
      const text = sized(size);
      const whole = new Driver().feed(['request', text]);
      const cut = new Driver().feed(
        ['request', text.slice(0, 40_000)],
        ['request', text.slice(40_000, 65_535)],
        ['request', text.slice(65_535)],
      );
      expect([whole.frames().length, cut.frames().length]).toEqual([frames, frames]);
    }
  });

  it('collects no more than 256 fields and still finds the length behind them', () => {
    const fields = 'X-A: 1\r\n'.repeat(400);
    const driver = new Driver({ headers: ['x-a'] }).feed([
      'request',
      `POST / HTTP/1.1\r\n${fields}Content-Length: 3\r\n\r\nabc${get}`,
    ]);
    expect(driver.frames()[0]?.headers).toHaveLength(256);
    expect(sizes(driver)).toEqual([3, 0]);
  });

  it('reads a head that comes byte by byte once, not once per byte', () => {
    const driver = new Driver();
    const text = `GET /${'a'.repeat(3000)} HTTP/1.1\r\n${'X-A: 1\r\n'.repeat(2000)}\r\n`;
    const began = performance.now();
    for (const byte of text) driver.feed(['request', byte]);
    expect(driver.frames()).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('responses', () => {
  it('reads the code, with and without a phrase', () => {
    const driver = new Driver().feed(
      ['request', get + get + get],
      ['response', 'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.0 304 \r\n\r\nHTTP/1.1 204\r\n\r\n'],
    );
    expect(codes(driver)).toEqual([204, 304, 204]);
    expect(driver.frames('response')[1]?.version).toBe('1.0');
  });

  it.each([
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 x\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    'ICY 200 OK\r\n\r\n',
  ])('refuses %j', (bytes) => {
    expect(new Driver().feed(['response', bytes]).failures).not.toEqual([]);
  });

  it('reports both responses of a pipelined pair', () => {
    const driver = new Driver().feed(
      ['request', get + get],
      ['response', ok('first') + ok('second!')],
    );
    expect(codes(driver)).toEqual([200, 200]);
    expect(sizes(driver)).toEqual([0, 0, 5, 7]);
  });

  it('gives no message to interim responses', () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const driver = new Driver().feed(
      ['request', 'PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n'],
      ['response', interim],
      ['request', 'body'],
      ['response', ok('x')],
      ['request', head],
      ['response', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
      ['request', get],
      ['response', ok('y')],
    );
    expect(codes(driver)).toEqual([200, 200, 200]);
    expect(driver.skipped).toBe(interim.length);
    expect(driver.seen.map((one) => one.side[2])).toEqual(['q', 's', 'q', 's', 'q', 's']);
  });

  it.each([204, 304])('knows that %d has no body whatever its fields say', (code) => {
    const driver = new Driver().feed(
      ['request', get + get],
      ['response', `HTTP/1.1 ${code} x\r\nContent-Length: 100\r\n\r\n${ok('x')}`],
    );
    expect(codes(driver)).toEqual([code, 200]);
    expect(sizes(driver)).toEqual([0, 0, 0, 1]);
  });

  it('knows that the response to HEAD has no body, in a pipeline too', () => {
    const noBody = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';
    const driver = new Driver().feed(
      ['request', get + head + head + get],
      ['response', ok('GET') + noBody + chunkedHead + ok('HTTP/1.1 200 OK')],
    );
    expect(sizes(driver).slice(4)).toEqual([3, 0, 0, 15]);
  });

  it('takes a response without length or chunks to the end of the connection', () => {
    const text = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc';
    const driver = new Driver()
      .feed(['request', get], ['response', text], ['response', { hole: 100 }], ['response', 'def'])
      .end();
    expect(driver.seen[1]).toMatchObject({
      bytes: text.length + 103,
      frame: { framing: 'close', bodyBytes: 106, lost: undefined },
    });
  });

  it('ends an empty body with the connection', () => {
    const driver = new Driver()
      .feed(['request', get], ['response', 'HTTP/1.0 200 OK\r\n\r\n'])
      .end();
    expect(driver.seen[1]?.frame).toMatchObject({ framing: 'close', bodyBytes: 0 });
  });
});

describe('Content-Length', () => {
  it('steps over a body without looking at it, holes and all', () => {
    const driver = new Driver().feed(
      ['request', `POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(100)}`],
      ['request', { hole: 800 }],
      ['request', `${'\r\n'.repeat(50)}${get}`],
    );
    expect(sizes(driver)).toEqual([1000, 0]);
    expect(driver.resyncs).toBe(0);
    expect(driver.calls).toBe(2);
  });

  it.each(['5, 5', '5,5 ,\t5', '5\r\nContent-Length: 5', '005'])('takes %j for 5', (value) => {
    const text = `POST / HTTP/1.1\r\nContent-Length: ${value}\r\n\r\nabcde${get}`;
    expect(sizes(new Driver().feed(['request', text]))).toEqual([5, 0]);
  });

  it.each([
    '',
    '-1',
    '+5',
    '0x10',
    '5 5',
    '5,',
    '5, 6',
    '5\r\nContent-Length: 6',
    '1e3',
    '9'.repeat(400),
    '9007199254740993',
  ])('refuses %j', (value) => {
    const text = `POST / HTTP/1.1\r\nContent-Length: ${value}\r\n\r\n`;
    const driver = new Driver().feed(['request', text]);
    expect(driver.failures).toEqual(['Content-Length is malformed']);
    const response = `HTTP/1.1 200 OK\r\nContent-Length: ${value}\r\n\r\n`;
    expect(new Driver().feed(['request', get], ['response', response]).failures).toHaveLength(1);
  });

  it('gives out a message that the end of the connection cuts short', () => {
    const driver = new Driver()
      .feed(['request', 'POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc'])
      .end();
    expect(driver.seen).toMatchObject([{ truncated: true, bytes: 42 }]);
  });
});

describe('chunked bodies', () => {
  it('adds up chunks with extensions and trailers, on both sides', () => {
    const body = '5;a=b;c="d"\r\nhello\r\n00A \r\n0123456789\r\n0;x\r\nX-T: 1\r\nX-U: 2\r\n\r\n';
    const driver = new Driver().feed(
      ['request', `POST / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n${body}${get}`],
      ['response', chunkedHead + body + ok('next')],
    );
    expect(sizes(driver)).toEqual([15, 0, 15, 4]);
    expect(driver.frames()[0]?.overheadBytes).toBe(driver.seen[0]!.bytes - 15);
  });

  it('lets Transfer-Encoding override any Content-Length', () => {
    for (const length of ['3', '1, 2', 'x']) {
      const text = `POST / HTTP/1.1\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const driver = new Driver().feed(['request', `${text}1\r\na\r\n0\r\n\r\n${get}`]);
      expect(sizes(driver)).toEqual([1, 0]);
    }
  });

  it('does not believe a request in another final coding; takes such a response to the end', () => {
    const coding = 'Transfer-Encoding: chunked, gzip\r\n\r\n';
    const driver = new Driver().feed(['request', `POST / HTTP/1.1\r\n${coding}`]);
    expect(driver.failures).toHaveLength(1);
    const response = new Driver()
      .feed(['request', get], ['response', `HTTP/1.1 200 OK\r\n${coding}abc`])
      .end();
    expect(response.frames('response')).toMatchObject([{ framing: 'close', bodyBytes: 3 }]);
  });

  it('ignores the coding "identity"', () => {
    const driver = new Driver().feed([
      'request',
      `POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx${get}`,
    ]);
    expect(sizes(driver)).toEqual([1, 0]);
  });

  it.each([
    ['no size', 'x\r\n'],
    ['an empty line', '\r\n'],
    ['text behind the size', '5 x\r\nhello\r\n'],
    ['a size beyond measure', `${'f'.repeat(40)}\r\n`],
    ['a size of 2^53', '20000000000000\r\n'],
    ['an endless size line', `5;${'x'.repeat(5000)}`],
    ['data longer than said', '2\r\nabc\r\n0\r\n\r\n'],
    ['endless trailers', `0\r\n${'A: b\r\n'.repeat(20_000)}\r\n`],
  ])('reports what it has when chunks break off by %s, and goes on with the next', (_, body) => {
    const driver = new Driver().feed(
      ['request', get + get],
      ['response', `${chunkedHead}3\r\nabc\r\n${body}`],
      ['response', ok('next')],
    );
    expect(driver.frames('response')[0]).toMatchObject({ statusCode: 200, lost: 'body' });
    expect(driver.frames('response').at(-1)).toMatchObject({ bodyBytes: 4, lost: undefined });
  });

  it('steps over a hole in a chunk', () => {
    const driver = new Driver().feed(
      ['request', get],
      ['response', `${chunkedHead}100\r\nabc`],
      ['response', { hole: 250 }],
      ['response', `abc\r\n0\r\n\r\n${ok('')}`],
    );
    expect(sizes(driver)).toEqual([0, 256, 0]);
    expect(driver.frames('response')[0]?.lost).toBeUndefined();
  });

  it.each([
    ['the end of the body', 7, '', undefined],
    ['the end of the chunk', 2, '1\r\nx\r\n0\r\n\r\n', undefined],
    ['nothing else', 0, '\r\n0\r\n\r\n', undefined],
    ['more than that', 30, '', 'body'],
  ])('understands a hole with the rest of a chunk and %s', (_, behind, rest, lost) => {
    for (const together of [true, false]) {
      const driver = new Driver().feed(['request', get + get]);
      if (together) {
        driver.feed(['response', `${chunkedHead}10\r\nabc`], ['response', { hole: 13 + behind }]);
      } else {
        driver.feed(['response', `${chunkedHead}10\r\nabc`], ['response', { hole: 5 }]);
        driver.feed(['response', { hole: 8 + behind }]);
      }
      driver.feed(['response', rest + ok('next')]);
      expect(driver.frames('response')).toMatchObject([
        { bodyBytes: rest.startsWith('1') ? 17 : 16, lost },
        { bodyBytes: 4, lost: undefined },
      ]);
    }
  });

  it('understands a hole of the size of the last chunk', () => {
    const driver = new Driver().feed(
      ['request', get + get],
      ['response', `${chunkedHead}1\r\na\r\n`],
      ['response', { hole: 5 }],
      ['response', ok('next')],
    );
    expect(driver.frames('response')).toMatchObject([
      { bodyBytes: 1, lost: undefined },
      { bodyBytes: 4 },
    ]);
  });

  it('reports what it has when a hole hides where the next chunk begins', () => {
    const driver = new Driver().feed(
      ['request', get + get],
      ['response', `${chunkedHead}1\r\na\r\n`],
      ['response', { hole: 500 }],
      ['response', `lost text\r\n0\r\n\r\n${ok('next')}`],
    );
    expect(driver.frames('response')).toMatchObject([
      { bodyBytes: 1, lost: 'body' },
      { bodyBytes: 4 },
    ]);
  });

  it('gives out what it has when the connection ends', () => {
    const driver = new Driver()
      .feed(['request', get], ['response', `${chunkedHead}1\r\na\r\n5\r\nab`])
      .end();
    expect(driver.seen[1]).toMatchObject({ truncated: true, frame: { lost: 'body' } });
  });

  it('is not completed by the end of the connection between two chunks', () => {
    const driver = new Driver()
      .feed(['request', get], ['response', `${chunkedHead}1\r\na\r\n`])
      .end();
    expect(driver.seen[1]).toMatchObject({ truncated: true, frame: { bodyBytes: 1 } });
  });
});

describe('switching protocols', () => {
  const upgrade = 'GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it.each([
    ['websocket', 'websocket'],
    ['WebSocket', 'websocket'],
    ['h2c', 'h2c'],
    ['TLS/1.0, HTTP/1.1', 'tls'],
    ['HTTP/2.0', 'opaque'],
  ])('goes on behind a 101 as %s', (token, name) => {
    const text = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${token}\r\n\r\n`;
    const driver = new Driver().feed(['request', upgrade], ['response', `${text}\x81\x05hello`]);
    expect(driver.switchedTo).toBe(name);
    expect(driver.seen.at(-1)).toMatchObject({
      bytes: text.length,
      frame: { statusCode: 101, upgrade: name },
    });
  });

  it('stays with HTTP when the server does', () => {
    const driver = new Driver().feed(
      ['request', upgrade],
      ['response', ok('no')],
      ['request', get],
      ['response', ok('yes')],
    );
    expect(sizes(driver)).toEqual([0, 2, 0, 3]);
  });

  it('keeps bytes of the new protocol that come before the 101 was seen', () => {
    const driver = new Driver().feed(
      ['request', `${upgrade}\x81\x05hello`],
      ['response', 'HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n'],
    );
    expect(driver.failures).toEqual([]);
    expect(driver.switchedTo).toBe('websocket');
  });

  it('opens a tunnel behind a 2xx to CONNECT, and only then', () => {
    const connect = 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n';
    const refused = 'HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno';
    const driver = new Driver().feed(
      ['request', connect],
      ['response', refused],
      ['request', connect],
      ['response', 'HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n'],
      ['response', '\x16\x03\x01'],
    );
    expect(driver.switchedTo).toBe('opaque');
    expect(driver.frames('response')).toMatchObject([
      { statusCode: 407, bodyBytes: 2, upgrade: undefined },
      { statusCode: 200, bodyBytes: 0, upgrade: 'opaque' },
    ]);
  });

  it('steps over tunnelled bytes that come before the response was seen', () => {
    const driver = new Driver().feed(
      ['request', 'CONNECT h:443 HTTP/1.1\r\n\r\n\x16\x03\x01'],
      ['response', 'HTTP/1.1 200 ok\r\n\r\n'],
    );
    expect(driver.failures).toEqual([]);
    expect(driver.switchedTo).toBe('opaque');
  });

  it('stays quiet when it is asked again behind a switch', () => {
    const driver = new Driver().feed(
      ['request', upgrade],
      ['response', 'HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n'],
    );
    driver.switchedTo = undefined;
    driver.feed(['request', get], ['response', 'anything'], ['response', { hole: 5 }]);
    expect(driver.frames()).toHaveLength(2);
    expect(driver.failures).toEqual([]);
  });
});

describe('heads cut by holes', () => {
  it('reports what the captured part says', () => {
    const driver = new Driver().feed(
      ['request', 'GET /a HTTP/1.1\r\nHost: h\r\nCookie: abc'],
      ['request', { hole: 50 }],
      ['request', get],
      ['response', 'HTTP/1.1 404 Not Found\r\nServ'],
      ['response', { hole: 300 }],
      ['response', ok('x')],
    );
    expect(driver.frames('request')).toMatchObject([
      { target: '/a', host: 'h', lost: 'head' },
      { target: '/a?b=c', lost: undefined },
    ]);
    expect(driver.frames('response')).toMatchObject([
      { statusCode: 404, lost: 'head' },
      { statusCode: 200, lost: undefined },
    ]);
  });

  it('reports a head that the end of the connection cuts', () => {
    const driver = new Driver().feed(['request', 'GET /a HTTP/1.1\r\nHo']).end();
    expect(driver.frames()).toMatchObject([{ target: '/a', lost: 'head' }]);
  });

  it('finds the next request when the first line lies in a hole', () => {
    const driver = new Driver().feed(
      ['request', 'GET /a'],
      ['request', { hole: 50 }],
      ['request', `X-A: 1\r\n\r\n${get}`],
    );
    expect(driver.frames()).toMatchObject([{ target: '/a?b=c' }]);
  });
});

describe('responses whose request may be another', () => {
  const headed = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
  const begun = (): Driver =>
    new Driver().feed(['request', get], ['response', ok('1')], ['request', { hole: 60 }]);

  it('looks behind the head when requests were lost', () => {
    const driver = begun().feed(
      ['request', get],
      ['response', headed + headed + 'abcde' + ok('end')],
    );
    expect(driver.frames('response').map((one) => one.bodyBytes)).toEqual([1, 0, 5, 3]);
  });

  it('believes the queue again when a request and its response followed each other', () => {
    const driver = begun().feed(
      ['request', get],
      ['response', ok('2')],
      ['request', get],
      ['response', ok('HTTP/1.1 200 OK\r\n\r\n')],
    );
    expect(driver.frames('response').map((one) => one.bodyBytes)).toEqual([1, 1, 19]);
  });

  it('understands a HEAD that comes first on a connection seen from its middle', () => {
    const driver = new Driver({ midstream: true }).feed(
      ['response', ok('before')],
      ['request', head],
      ['response', headed],
      ['request', get],
      ['response', ok('x')],
    );
    expect(driver.frames('response').map((one) => one.bodyBytes)).toEqual([6, 0, 1]);
  });

  it('parses responses without any request', () => {
    const driver = new Driver().feed([
      'response',
      `${ok('abc')}${chunkedHead}1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n${headed}abcde`,
    ]);
    expect(sizes(driver)).toEqual([3, 1, 0, 5]);
  });

  it('survives 20,000 unanswered HEADs', () => {
    const driver = new Driver();
    for (let i = 0; i < 100; i++) driver.feed(['request', head.repeat(200)]);
    expect(driver.frames()).toHaveLength(20_000);
  });
});
