// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Driver, type Run, type Seen, type Step } from './test-driver.js';

const token = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'BREW',
);
const eol = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n');
const field = fc.constantFrom(
  'Host: example.com:8080',
  'User-Agent: a/1 (b; c)',
  'Cookie: a=b; c=d',
  'X-Long: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890',
  'Connection: keep-alive',
  'X-Folded: a\r\n b',
  'T:',
);
/** Bodies that look like something else. */
const payload = fc
  .array(
    fc.constantFrom(
      'a',
      '\r\n',
      '\r\n\r\n',
      'HTTP/1.1 200 OK\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      '0\r\n\r\n',
      '\xff\x00',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

interface Body {
  readonly fields: string;
  readonly bytes: string;
  readonly size: number;
}

const lengthBody: fc.Arbitrary<Body> = payload.map((bytes) => ({
  fields: `Content-Length: ${bytes.length}\r\n`,
  bytes,
  size: bytes.length,
}));
const chunkedBody: fc.Arbitrary<Body> = fc
  .tuple(
    fc.array(payload, { maxLength: 4 }),
    fc.constantFrom('', ';a', ' ; x="y"'),
    fc.constantFrom('', 'T: 1\r\n', 'T: 1\r\nU: 2\r\n'),
  )
  .map(([parts, extension, trailers]) => {
    const chunks = parts.filter((part) => part !== '');
    const bytes = chunks.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`);
    return {
      fields: 'Transfer-Encoding: chunked\r\n',
      bytes: `${bytes.join('')}0${extension}\r\n${trailers}\r\n`,
      size: chunks.join('').length,
    };
  });
const body = fc.oneof(lengthBody, chunkedBody);
const noBody = fc.constant<Body>({ fields: '', bytes: '', size: 0 });

interface Exchange {
  readonly request: string;
  readonly response: string;
  readonly interim: string;
  readonly sizes: readonly [number, number];
}

const fields = fc.tuple(fc.array(field, { maxLength: 5 }), eol);

const ordinary: fc.Arbitrary<Exchange> = fc
  .record({
    method: token,
    version: fc.constantFrom('1.0', '1.1'),
    requestFields: fields,
    requestBody: fc.oneof(noBody, body),
    interim: fc.constantFrom('', '', 'HTTP/1.1 100 Continue\r\n\r\n'),
    code: fc.constantFrom(200, 201, 301, 404, 500),
    responseFields: fields,
    responseBody: body,
  })
  .map((one) => ({
    request:
      `${one.method} /a?b HTTP/${one.version}${one.requestFields[1]}` +
      one.requestFields[0].map((text) => text + one.requestFields[1]).join('') +
      `${one.requestBody.fields}${one.requestFields[1]}${one.requestBody.bytes}`,
    interim: one.interim,
    response:
      `HTTP/1.1 ${one.code} Fine${one.responseFields[1]}` +
      one.responseFields[0].map((text) => text + one.responseFields[1]).join('') +
      `${one.responseBody.fields}${one.responseFields[1]}${one.responseBody.bytes}`,
    sizes: [one.requestBody.size, one.responseBody.size] as const,
  }));
const bodiless: fc.Arbitrary<Exchange> = fc
  .tuple(fc.constantFrom('HEAD', 'GET'), body)
  .map(([method, { fields: framing }]) => ({
    request: `${method} / HTTP/1.1\r\n\r\n`,
    interim: '',
    response: `HTTP/1.1 ${method === 'HEAD' ? '200 OK' : '304'}\r\n${framing}\r\n`,
    sizes: [0, 0] as const,
  }));
const conversation = fc.array(fc.oneof({ weight: 3, arbitrary: ordinary }, bodiless), {
  minLength: 1,
  maxLength: 5,
});

/** Pieces of a text, cut where the numbers say. */
function cut(text: string, at: readonly number[]): string[] {
  const places = [...new Set(at.map((number) => number % (text.length + 1)))].sort((a, b) => a - b);
  return [...places, text.length].map((to, i) => text.slice(places[i - 1] ?? 0, to));
}

function run(steps: readonly Step[]): { seen: readonly Seen[]; driver: Driver } {
  const driver = new Driver({ headers: ['cookie', 'x-folded'] });
  driver.feed(...steps).end();
  return { seen: driver.seen, driver };
}

const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

// a second or two each on an idle machine
describe('fuzz', { timeout: 180_000 }, () => {
  it('finds the same frames in a conversation however it is cut', () => {
    fc.assert(
      fc.property(conversation, cuts, fc.boolean(), (exchanges, at, pipelined) => {
        const whole: Step[] = pipelined
          ? [
              ['request', exchanges.map((one) => one.request).join('')],
              ['response', exchanges.map((one) => one.interim + one.response).join('')],
            ]
          : exchanges.flatMap((one): Step[] => [
              ['request', one.request],
              ['response', one.interim + one.response],
            ]);
        const pieces = whole.flatMap(([side, text]) =>
          cut(text as string, at).map((piece): Step => [side, piece]),
        );
        const [expected, actual] = [run(whole), run(pieces)];
        expect(actual.seen).toEqual(expected.seen);
        for (const side of ['request', 'response'] as const) {
          const seen = actual.seen.filter((one) => one.side === side);
          const sizes = exchanges.map((one) => one.sizes[side === 'request' ? 0 : 1]);
          expect(seen.map((one) => one.frame.bodyBytes)).toEqual(sizes);
          expect(seen.map((one) => one.bytes)).toEqual(exchanges.map((one) => one[side].length));
        }
        expect(actual.driver.failures).toEqual([]);
      }),
      { numRuns: 3500 },
    );
  });

  it('finds the same frames byte by byte', () => {
    fc.assert(
      fc.property(conversation, (exchanges) => {
        const steps = exchanges.flatMap((one): Step[] => [
          ['request', one.request],
          ['response', one.interim + one.response],
        ]);
        const bytes = steps.flatMap(([side, text]) =>
          Array.from(Buffer.from(text as string, 'latin1'), (byte): Step => [
            side,
            Buffer.of(byte),
          ]),
        );
        expect(run(bytes).seen).toEqual(run(steps).seen);
      }),
      { numRuns: 150 },
    );
  });

  it('comes to an end with holes anywhere, and never sees more messages than there were', () => {
    const hole = fc.tuple(fc.nat(3000), fc.nat(60));
    fc.assert(
      fc.property(conversation, fc.array(hole, { maxLength: 3 }), cuts, (exchanges, holes, at) => {
        const steps = exchanges.flatMap((one): Step[] => [
          ...withHoles('request', one.request, holes, at),
          ...withHoles('response', one.interim + one.response, holes, at),
        ]);
        const { seen, driver } = run(steps);
        expect(driver.calls + driver.resyncs).toBeLessThan(400 + steps.length * 8);
        for (const { frame, bytes } of seen) {
          expect(bytes).toBeGreaterThan(0);
          expect(Number.isSafeInteger(frame.bodyBytes) && frame.bodyBytes >= 0).toBe(true);
          expect(frame.overheadBytes).toBeGreaterThan(0);
        }
        // a conversation that goes on is followed again
        driver.switchedTo = undefined;
        const request = `GET /again HTTP/1.1\r\nHost: h\r\n\r\n`;
        const again = new Driver({ headers: [] });
        again.feed(...steps);
        for (let i = 0; i < 12; i++) again.feed(['request', { hole: 100 }], ['request', request]);
        expect(
          again.frames('request').some((one) => one.kind === 'request' && one.target === '/again'),
        ).toBe(true);
      }),
      { numRuns: 2500 },
    );
  });

  it('never throws and never stands still on garbage', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...['GET ', '/ ', 'HTTP/1.1', '\r\n', '\r', '\n', ' ', ':', 'Content-Length: ', '5', ','],
        ...['Transfer-Encoding: chunked\r\n', '0\r\n', 'f\r\n', '\r\n\r\n', 'HTTP/1.1 200 OK\r\n'],
        ...[
          'HTTP/1.1 101 x\r\nUpgrade: a\r\n\r\n',
          'HEAD / HTTP/1.1\r\n\r\n',
          'CONNECT h:1 HTTP/1.1\r\n',
        ],
        ...['Upgrade: h2c\r\n', 'ffffffffffff\r\n', '99999999999999999999'],
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    const step = fc.tuple(
      fc.constantFrom('request' as const, 'response' as const),
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.array(piece, { maxLength: 12 }).map((parts): Run => parts.join('')),
        },
        { weight: 1, arbitrary: fc.nat(40).map((size): Run => ({ hole: size + 1 })) },
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { driver } = run(steps);
        expect(driver.seen.every((one) => Number.isSafeInteger(one.frame.bodyBytes))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

function withHoles(
  side: 'request' | 'response',
  text: string,
  holes: readonly (readonly [number, number])[],
  at: readonly number[],
): Step[] {
  const pieces = cut(
    text,
    holes.flatMap(([from, size]) => [from % text.length, (from % text.length) + size]).concat(at),
  );
  let position = 0;
  return pieces.map((piece): Step => {
    const from = position;
    position += piece.length;
    const hidden = holes.some(
      ([start, size]) => from >= start % text.length && from < (start % text.length) + size,
    );
    return [side, hidden && piece !== '' ? { hole: piece.length } : piece];
  });
}
