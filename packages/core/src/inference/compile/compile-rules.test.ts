// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Test } from '../../plugin/index.js';
import type { Inferable } from '../candidates.js';
import type { Assembled } from './assembler.js';
import { compileRules, RulesTooLargeError, type RuleTarget } from './compile-rules.js';
import {
  Random,
  randomPlugins,
  randomWindow,
  type WindowCase,
} from './random-rules.test-support.js';
import { simulate } from './simulated-kernel.test-support.js';
import { answerIn, encodeWindow, specifiedAnswer } from './window-case.test-support.js';
import type { WindowLayout } from './window-layout.js';

const layout: WindowLayout = {
  lengthAt: 0,
  availableAt: 4,
  localPortAt: 8,
  remotePortAt: 10,
  sideAt: 12,
  transportAt: 13,
  answerAt: 14,
  suspectAt: 15,
  dataAt: 16,
  sides: { request: 1, response: 2 },
  transports: { tcp: 1, udp: 2, unix: 3, tls: 4 },
  tlsAnswer: 254,
};
const target: RuleTarget = { window: layout, emitSlot: 3, chainSlot: (index) => 100 + index };

const numbered = (plugins: readonly Inferable[]) =>
  plugins.map((plugin, i) => ({ plugin, number: i + 1 }));

function run(chain: readonly Assembled[], window: WindowCase) {
  const bytes = encodeWindow(window, layout);
  simulate(chain, new Map(chain.map((program, i) => [100 + i, program])), bytes);
  return answerIn(bytes, layout);
}

const plain = (bytes: string | readonly number[]): WindowCase => ({
  bytes: Buffer.from(bytes as string),
  behind: Buffer.alloc(0),
  length: bytes.length,
  side: undefined,
  transport: 'tcp',
  localPort: 1,
  remotePort: 2,
});

const text = (...anyOf: string[]): Test => ({ kind: 'bytes', at: 0, anyOf });

function plugin(name: string, when: Test, more: Partial<Inferable['inference']> = {}): Inferable {
  return {
    name,
    transports: ['tcp'],
    inference: { rules: [{ says: 'either', when }], ...more },
  };
}

describe('compileRules', () => {
  it('answers with the number of the first plugin that is certain', () => {
    const chain = compileRules(
      numbered([plugin('a', text('x')), plugin('b', text('xy', 'z')), plugin('c', text('z'))]),
      target,
    );
    expect(['xy', 'z', 'w', ''].map((bytes) => run(chain, plain(bytes)).answer)).toEqual([
      1, 2, 0, 0,
    ]);
  });

  it('prefers a plugin that names a port of the connection', () => {
    const chain = compileRules(
      numbered([
        plugin('a', text('x')),
        plugin('b', text('x'), { ports: [7, 8] }),
        plugin('c', text('x'), { ports: [9] }),
        plugin('d', text('x')),
      ]),
      target,
    );
    const answer = (localPort: number, remotePort: number) =>
      run(chain, { ...plain('x'), localPort, remotePort }).answer;
    expect([answer(1, 2), answer(1, 8), answer(9, 1), answer(9, 7)]).toEqual([1, 2, 3, 2]);
    expect(run(chain, { ...plain('y'), localPort: 7 })).toEqual({ answer: 0, suspect: false });
  });

  it('leaves a mark for likely rules, and goes on', () => {
    const chain = compileRules(
      numbered([
        {
          ...plugin('a', text('')),
          inference: { rules: [{ says: 'request', strength: 'likely', when: text('x') }] },
        },
        plugin('b', text('xy')),
      ]),
      target,
    );
    expect(run(chain, plain('xz'))).toEqual({ answer: 0, suspect: true });
    expect(run(chain, { ...plain('xz'), side: 'response' })).toEqual({ answer: 0, suspect: false });
    expect(run(chain, plain('xy'))).toEqual({ answer: 2, suspect: false });
  });

  it('knows TLS before anything else, on streams', () => {
    const chain = compileRules(numbered([plugin('a', { kind: 'all', of: [] })]), target);
    const record = plain([22, 3, 1, 2, 0]);
    expect(run(chain, record).answer).toBe(254);
    expect(run(chain, { ...record, transport: 'udp' }).answer).toBe(0);
    expect(run(chain, plain([22, 3, 1, 2])).answer).toBe(1);
  });

  it('takes lacking bytes for no match, also below a negation', () => {
    const not = (of: Test): Test => ({ kind: 'not', of });
    const chain = compileRules(numbered([plugin('a', not(text('GET ', 'PUT ')))]), target);
    expect(
      ['', 'G', 'GX', 'GET', 'GET ', 'PUT', 'POT', 'XXXX'].map((b) => run(chain, plain(b)).answer),
    ).toEqual([0, 0, 1, 0, 0, 0, 1, 1]);
  });

  it('finds each of several texts, of different lengths and beginnings', () => {
    const texts = ['abcdefgh', 'abcd', 'abXY', 'ab', 'x', 'ABCDEFG', 'y'];
    const plugins = [
      plugin('a', { kind: 'bytes', at: 1, anyOf: texts }),
      plugin('b', { kind: 'bytes', at: 1, anyOf: ['Q@1', 'q[', 'zabcde'], ignoreCase: true }),
    ];
    const chain = compileRules(numbered(plugins), target);
    const answers = (bytes: string[]) => bytes.map((each) => run(chain, plain(`.${each}`)).answer);
    expect(answers(texts)).toEqual(texts.map(() => 1));
    expect(answers(['a', 'aX', 'ABCDEF', 'Y', '', 'zz'])).toEqual([0, 0, 0, 0, 0, 0]);
    expect(answers(['q@1', 'Q[', 'ZABCDE', 'q`1', 'q{', 'ZABCD'])).toEqual([2, 2, 2, 0, 0, 0]);
  });

  it('splits at the borders of rules, and all programs stay within the limit', () => {
    const many = Array.from({ length: 40 }, (_, i) =>
      plugin(`p${i}`, text(`message ${i}!`, `answer ${i}!`), i % 3 === 0 ? { ports: [i + 1] } : {}),
    );
    const whole = compileRules(numbered(many), target);
    expect(whole.map(({ instructions }) => instructions.length / 8)).toHaveLength(1);
    const split = compileRules(numbered(many), {
      ...target,
      maxInstructions: 210,
      maxPrograms: 30,
    });
    expect(split.length).toBeGreaterThanOrEqual(5);
    for (const { instructions } of split) expect(instructions.length / 8).toBeLessThanOrEqual(210);
    many.forEach((_, i) => {
      for (const chain of [whole, split]) {
        expect(run(chain, plain(`answer ${i}!`)).answer).toBe(i + 1);
        expect(run(chain, { ...plain(`message ${i}!`), localPort: 37 }).answer).toBe(i + 1);
      }
    });
  });

  it('fills programs close to the limit, and many of them', () => {
    const texts = Array.from({ length: 40 }, (_, i) => `text number ${i}, which is long`);
    const many = Array.from({ length: 60 }, (_, i) => plugin(`p${i}`, text(`${i}`, ...texts)));
    const chain = compileRules(numbered(many), { ...target, maxPrograms: 20 });
    const sizes = chain.map(({ instructions }) => instructions.length / 8);
    expect(chain.length).toBeGreaterThan(8);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3900);
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(2500);
    expect(run(chain, plain('7..')).answer).toBe(8);
    expect(() => compileRules(numbered(many), target)).toThrow('more than 8 programs');
  });

  it('says which rule does not fit into a program', () => {
    const large = text(...Array.from({ length: 900 }, (_, i) => `text ${i}`));
    const compile = () =>
      compileRules(numbered([plugin('a', text('x')), plugin('b', large)]), target);
    expect(compile).toThrow(RulesTooLargeError);
    expect(compile).toThrow('plugin b: inference.rules[0]');
  });

  it('compiles no plugins, and plugins of many ports', () => {
    expect(run(compileRules([], target), plain('x')).answer).toBe(0);
    const ports = Array.from({ length: 300 }, (_, i) => i + 1000);
    const chain = compileRules(
      numbered([plugin('a', text('x')), plugin('b', text('x'), { ports })]),
      { ...target, maxInstructions: 700 },
    );
    expect(run(chain, { ...plain('x'), remotePort: 1299 }).answer).toBe(2);
    expect(run(chain, { ...plain('x'), remotePort: 1300 }).answer).toBe(1);
  });

  it('does what the specification says, over random rules and windows', () => {
    const random = new Random(20261120);
    const seen = new Map<string, number>();
    for (let round = 0; round < 400; round++) {
      const plugins = numbered(randomPlugins(random));
      const maxInstructions = random.pick([3900, 700]);
      const chain = compileRules(plugins, { ...target, maxInstructions, maxPrograms: 30 });
      for (let i = 0; i < 25; i++) {
        const window = randomWindow(
          random,
          plugins.map(({ plugin: each }) => each),
        );
        const expected = specifiedAnswer(plugins, window, layout);
        const kind = expected.answer > 0 ? (expected.answer === 254 ? 'tls' : 'certain') : 'open';
        const name = expected.suspect ? 'likely' : kind;
        seen.set(name, (seen.get(name) ?? 0) + 1);
        const answer = run(chain, window);
        if (answer.answer !== expected.answer || answer.suspect !== expected.suspect) {
          expect({ plugins, window, answer }).toEqual({ plugins, window, answer: expected });
        }
      }
    }
    for (const kind of ['tls', 'certain', 'likely', 'open'])
      expect(seen.get(kind), kind).toBeGreaterThan(100);
  });
});
