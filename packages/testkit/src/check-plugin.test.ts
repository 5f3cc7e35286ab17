// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core';
import { describe, expect, it } from 'vitest';
import { checkPlugin, type CheckName, type CheckOptions } from './check-plugin.js';
import { conversation } from './fixture/fixture.js';
import { formatReport } from './report/format-report.js';
import { toRecord, toy, toyFixtures, type Defects } from './toy-protocol.test-support.js';

/** The findings of one check for a plugin with something broken. */
async function findings(
  only: CheckName,
  defects: Defects,
  options: Partial<CheckOptions> = {},
): Promise<readonly string[]> {
  const report = await checkPlugin(() => toy(defects), {
    fixtures: toyFixtures,
    only: [only],
    ...options,
  });
  return report.checks.flatMap((check) =>
    check.findings.map(({ problem, where, reproduce }) => `${problem} | ${where} | ${reproduce}`),
  );
}

const lineFeed = 0x0a;

/** What the right parser would return, with another frame. */
function line(view: ByteView, frame: unknown): never | undefined {
  const end = view.indexOf(lineFeed);
  if (end < 0) return undefined;
  return { status: 'frame', frame, consumed: end + 1 } as never;
}

describe('checkPlugin', () => {
  it('passes a plugin that does everything right', async () => {
    const report = await checkPlugin(() => toy(), { fixtures: toyFixtures });
    expect(formatReport(report)).toContain('plugin toy: ok');
    expect(report.ok).toBe(true);
    expect(report.checks.map((check) => check.findings.length)).toEqual(Array(11).fill(0));
    expect(report.checks.every((check) => check.runs > 0 || check.name === 'rules')).toBe(true);
  });

  it('says what a plugin object lacks', async () => {
    const [problem] = await findings('rules', { plugin: { transports: [] } });
    expect(problem).toMatch(/plugin toy: transports must be/);
  });

  it('asks for fixtures', async () => {
    expect((await findings('rules', {}, { fixtures: [] }))[0]).toMatch(/no fixtures/);
  });

  it('compares records with those that the author expects', async () => {
    const [fixture] = toyFixtures;
    const fixtures = [{ ...fixture!, records: [{ operation: 'TELL' }] }];
    const problems = await findings('records', {}, { fixtures });
    expect(problems[0]).toMatch(/^6 records, expected 1/);
    expect(problems[1]).toMatch(/^record 0 \(ASK\): operation is "ASK", expected "TELL"/);
  });

  it('finds a conversation that gives no record', async () => {
    const fixtures = [conversation([['client', 'SHOUT a\n']], { name: 'shout' })];
    expect((await findings('records', {}, { fixtures }))[0]).toMatch(/no record/);
  });

  it.each([
    ['an undeclared attribute', { 'toy.other': 'a' }, /toy\.other is not declared/],
    ['a value of another type', { 'toy.topic': 5 }, /toy\.topic is 5: it is declared as string/],
    ['a value that JSON does not know', { 'toy.topic': 5n }, /toy\.topic is 5: it must be/],
    ['a number that is none', { 'toy.topic': NaN }, /toy\.topic is NaN: it must be/],
  ])('finds %s', async (_what, attributes, expected) => {
    const wrong: Defects['toRecord'] = (...args) =>
      ({ ...toRecord(...args)!, attributes }) as never;
    expect((await findings('records', { toRecord: wrong }))[0]).toMatch(expected);
  });

  it.each([
    ['no operation', { operation: '' }, /operation is "": it must/],
    ['an unknown status', { status: 'fine' }, /status is "fine": it must/],
    ['an unknown missing part', { missing: ['head'] }, /missing is \["head"\]: it must/],
    ['attributes that are no object', { attributes: null }, /attributes is null/],
  ])('finds %s in a result', async (_what, change, expected) => {
    const wrong: Defects['toRecord'] = (...args) => ({ ...toRecord(...args)!, ...change }) as never;
    expect((await findings('records', { toRecord: wrong }))[0]).toMatch(expected);
  });

  it('finds a toRecord that is not pure', async () => {
    let count = 0;
    const wrong: Defects['toRecord'] = (...args) => ({
      ...toRecord(...args)!,
      operation: `ASK ${++count}`,
    });
    expect((await findings('records', { toRecord: wrong }))[0]).toMatch(/it must be pure/);
  });

  it('finds a plugin that takes a cut message for a whole one', async () => {
    const [problem] = await findings('cuts', {
      parse: (side, view) =>
        view.available > 6 && view.indexOf(lineFeed) < 0
          ? ({
              status: 'frame',
              frame: { verb: side === 'request' ? 'ASK' : '+', rest: view.latin1(4, 99) },
              consumed: view.available,
            } as const)
          : undefined,
    });
    expect(problem).toMatch(/cut before byte \d+ of the client, seen by the server/);
    expect(problem).toContain("cuts: [{from: 'client',at: 7}]");
  });

  it('finds a plugin that is wrong byte by byte only', async () => {
    const problems = await findings('chunks', {
      parse: (_side, view) => (view.available === 1 ? { status: 'skip', consumed: 1 } : undefined),
    });
    expect(problems[0]).toMatch(/byte by byte/);
  });

  it('finds a plugin that keeps bytes of a view', async () => {
    const problems = await findings('records', {
      parse: (_side, view) => line(view, { verb: 'ASK', rest: '', kept: view.bytes(4, 8) }),
      toRecord: ({ request }) => ({
        operation: 'ASK',
        status: 'ok',
        attributes: { 'toy.topic': keptIn(request?.frame) },
      }),
    });
    expect(problems[0]).toMatch(/^record 0/);
  });

  it('finds a plugin that keeps a view only until its record is made', async () => {
    const defects: Defects = {
      parse: (side, view) =>
        side === 'response' && view.matches('+ ') ? line(view, { verb: '+', view }) : undefined,
      toRecord: (exchange, connection) => {
        const kept = exchange.response?.frame as unknown as { view?: ByteView } | undefined;
        const result = toRecord(exchange, connection)!;
        if (kept?.view === undefined) return result;
        return { ...result, attributes: { 'toy.answer': kept.view.latin1(2, 5) } };
      },
    };
    expect((await findings('views', defects))[0]).toMatch(/bytes of a view were kept/);
  });

  it('finds a plugin that writes into a view', async () => {
    const problems = await findings('views', {
      parse: (_side, view) => {
        if (view.available > 2) view.buffer[view.start + 2] = 0x41;
        return undefined;
      },
    });
    expect(problems[0]).toMatch(/parse wrote into the memory of its view/);
  });

  it('finds a plugin that reads what lies behind a view', async () => {
    const problems = await findings('views', {
      parse: (_side, view) => {
        const end = view.buffer.indexOf(lineFeed, view.start) - view.start;
        return end > 5 && view.matches('ASK ')
          ? { status: 'frame', frame: { verb: 'ASK', rest: 'x' }, consumed: end + 1 }
          : view.matches('ASK ') && end < 0
            ? { status: 'invalid', why: 'no end' }
            : undefined;
      },
    });
    expect(problems).not.toEqual([]);
  });

  it('finds a plugin that shows the two ends of a connection different things', async () => {
    const wrong: Defects['toRecord'] = (exchange, connection) => ({
      ...toRecord(exchange, connection)!,
      operation: connection.role === 'client' ? 'CALL' : 'ASK',
    });
    expect((await findings('roles', { toRecord: wrong }))[0]).toMatch(
      /operation is "CALL", expected "ASK" .*seen by the client/,
    );
  });

  it('finds a plugin that guesses after a hole', async () => {
    const defects: Defects = {
      resync: (_side, _view, after) => (after === 'hole' ? 0 : -1),
      parse: (side, view) => {
        const known = view.matches('ASK ') || view.matches('TELL ') || side === 'response';
        const end = view.indexOf(lineFeed);
        if (known || end < 0) return undefined;
        const frame = { verb: 'ASK', rest: view.latin1(0, end) };
        return { status: 'frame', frame, consumed: end + 1 };
      },
    };
    expect((await findings('holes', defects))[0]).toMatch(/is wrong: toy ASK .* lost at/);
  });

  it('finds a plugin that takes the first message it sees for the first there was', async () => {
    const problems = await findings('midstream', {
      parse: (side, view, parser) => {
        const end = view.indexOf(lineFeed);
        if (side === 'response' || end < 0) return undefined;
        parser.kept.push(side);
        const frame = { verb: 'ASK', rest: `number ${parser.kept.length}` };
        return { status: 'frame', frame, consumed: end + 1 };
      },
    });
    expect(problems[0]).toMatch(/'toy.topic'\] is "number 1", expected .* tracing begins at/);
  });

  it('finds a plugin that never recovers from a hole', async () => {
    const problems = await findings('holes', { resync: () => -1 });
    expect(problems[0]).toMatch(
      /began after the connection was quiet again, and its .* is not reported/,
    );
  });

  it('allows a plugin to lack what it says it learned before, and nothing else', async () => {
    const seen = new WeakSet<object>();
    const forgetful = (name: string): Defects => ({
      parse: (_side, _view, parser) => {
        if (seen.has(parser)) return undefined;
        seen.add(parser);
        parser.kept.push('fresh');
        return undefined;
      },
      toRecord: (exchange, connection) => {
        const result = toRecord(exchange, connection)!;
        if (!connection.midstream) return result;
        return { ...result, attributes: { ...result.attributes, [name]: undefined } };
      },
    });
    const learned = ['toy.topic'];
    expect((await findings('midstream', forgetful('toy.topic')))[0]).toMatch(
      /'toy.topic'\] is absent/,
    );
    expect(await findings('midstream', forgetful('toy.topic'), { learned })).toEqual([]);
    expect(await findings('midstream', forgetful('toy.answer'), { learned })).not.toEqual([]);
  });

  it('finds a plugin that recognizes nothing, or everything', async () => {
    const rule = (anyOf: string[]): Defects => ({
      plugin: {
        inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf } }] },
      },
    });
    expect((await findings('inference', rule(['NO'])))[0]).toMatch(/is not recognized/);
    expect((await findings('inference', rule(['A', 'TELL '])))[0]).toMatch(
      /conversation of amqp for its own/,
    );
  });

  it('finds another plugin that takes its conversations', async () => {
    const others = [toy({ plugin: { name: 'thief' as 'toy' } })];
    expect((await findings('inference', {}, { others }))[0]).toMatch(/the plugin thief takes it/);
  });

  it.each([
    ['consumed 0', { status: 'frame', frame: {}, consumed: 0 }, /consumed.* 0/],
    ['consumed NaN', { status: 'part', consumed: NaN }, /consumed.* NaN/],
    ['no result', undefined, /parse returned undefined/],
    ['a result without status', { frame: {} }, /parse returned/],
  ])('finds %s', async (_what, result, expected) => {
    const wrong: Defects = {
      parse: (_side, view) =>
        view.matches('ASK l') ? (((): unknown => result)() as never) : undefined,
    };
    const defects = result === undefined ? undefinedResult() : wrong;
    expect((await findings('records', defects))[0]).toMatch(expected);
    expect((await findings('garbage', defects))[0]).toMatch(/fuzz input \d+ .*: client 41534b206c/);
  });

  it('finds a resync that leaves the view', async () => {
    const problems = await findings('holes', { resync: (_side, view) => view.available });
    expect(problems[0]).toMatch(/resync\(\w+, \d+ bytes, '\w+'\) returned \d+: it must be -1 or/);
  });

  it('finds a plugin that throws, and the smallest input that makes it', async () => {
    const problems = await findings(
      'garbage',
      {
        parse: (_side, view) => {
          if (view.matches('ASK %')) decodeURIComponent(view.latin1(4, 5));
          return undefined;
        },
      },
      {
        fixtures: [
          conversation([
            ['client', 'ASK %25\n'],
            ['server', '+ 1\n'],
          ]),
        ],
      },
    );
    expect(problems[0]).toMatch(/threw URIError: URI malformed/);
    expect(problems[0]).toMatch(
      /client 41534b2025 \| fuzzPlugin\(factory, \{ fixtures, seed: \d+, inputs: 1 \}\)/,
    );
  });

  it('finds a plugin that hangs', { timeout: 60_000 }, async () => {
    const problems = await findings('garbage', {
      parse: (_side, view) => {
        let turns = 0;
        while (view.available > 0 && view.u8(0) === 0xff) turns++;
        return turns > 0 ? { status: 'more' } : undefined;
      },
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/the plugin did not return within 5000 ms \| fuzz input \d+ /);
  });

  it('finds a plugin that keeps something of every connection', { timeout: 60_000 }, async () => {
    const kept: string[] = [];
    const problems = await findings('garbage', {
      parse: (_side, view) => {
        kept.push(`${view.latin1(0, 64)}${kept.length}`.repeat(20));
        return undefined;
      },
    });
    expect(problems[0]).toMatch(/the heap grew by \d+ bytes though every connection ended/);
  });

  it('finds a plugin that keeps something of every message', { timeout: 60_000 }, async () => {
    const problems = await findings('bounds', {
      parse: (_side, view, parser) => {
        if (view.indexOf(lineFeed) > 0) parser.kept.push({ text: view.latin1(0, 20) });
        return undefined;
      },
    });
    expect(problems[0]).toMatch(/bytes are kept of each of \d+ messages, without bound/);
  });

  it('finds a plugin that reads a message anew with every byte', { timeout: 60_000 }, async () => {
    const problems = await findings('bounds', {
      parse: (_side, view) => {
        let end = -1;
        // as slow as it gets
        for (let i = 0; i < view.available * 8 && end < 0; i++) {
          if (view.u8(i % view.available) === lineFeed) end = i;
        }
        return end < 0 ? { status: 'more' } : undefined;
      },
    });
    expect(problems[0]).toMatch(
      /16384 bytes take more than 1500 ms: it is read from its start for each byte/,
    );
  });

  it('leaves out checks that the author gives a reason for', async () => {
    const report = await checkPlugin(() => toy(), {
      fixtures: toyFixtures,
      only: ['rules', 'holes'],
      except: { holes: 'nothing is ever lost' },
    });
    expect(formatReport(report)).toMatch(/- holes +not made: nothing is ever lost/);
  });
});

/** What a frame holds that should not be in it. */
function keptIn(frame: object | undefined): string {
  return (frame as { readonly kept: Buffer } | undefined)?.kept.toString() ?? '';
}

/** A parser that forgets to return on one path. */
function undefinedResult(): Defects {
  return {
    plugin: {
      createParser: (connection) => {
        const parser = toy().createParser(connection);
        return {
          parse: (side, view) =>
            view.matches('ASK l') ? (undefined as never) : parser.parse(side, view),
          resync: (side, view, after) => parser.resync(side, view, after),
        };
      },
    },
  };
}
