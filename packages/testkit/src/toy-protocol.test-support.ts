// SPDX-License-Identifier: Apache-2.0
import {
  defineProtocol,
  type Attributes,
  type ByteView,
  type FrameParser,
  type ProtocolPlugin,
  type Side,
} from '@libtrace/core';
import { conversation } from './fixture/fixture.js';

/**
 * A protocol for tests: `ASK topic\n` and `TELL topic text\n`, answered in order by `+ text\n` or `- reason\n`.
 */
export interface ToyFrame {
  readonly verb: string;
  readonly rest: string;
}

/** What a test breaks. */
export interface Defects {
  readonly parse?: (
    side: Side,
    view: ByteView,
    parser: ToyParser,
  ) => ReturnType<FrameParser<ToyFrame>['parse']> | undefined;
  readonly resync?: FrameParser<ToyFrame>['resync'];
  readonly toRecord?: ProtocolPlugin<'toy', ToyFrame>['toRecord'];
  readonly plugin?: Partial<ProtocolPlugin<'toy', ToyFrame>>;
}

const starts = { request: ['ASK ', 'TELL '], response: ['+ ', '- '] } as const;

export class ToyParser implements FrameParser<ToyFrame> {
  readonly kept: unknown[] = [];
  readonly #defects: Defects;

  constructor(defects: Defects) {
    this.#defects = defects;
  }

  parse(side: Side, view: ByteView): ReturnType<FrameParser<ToyFrame>['parse']> {
    const special = this.#defects.parse?.(side, view, this);
    if (special !== undefined) return special;
    const start = starts[side].find((text) => view.matches(text));
    if (start === undefined) {
      const begun = starts[side].some((text) => text.startsWith(view.latin1(0, text.length)));
      return begun ? { status: 'more' } : { status: 'invalid', why: 'no such verb' };
    }
    const end = view.indexOf(0x0a);
    if (end < 0)
      return view.available > 4096 ? { status: 'invalid', why: 'long' } : { status: 'more' };
    const frame = { verb: start.trim(), rest: view.latin1(start.length, end) };
    return { status: 'frame', frame, consumed: end + 1 };
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    if (this.#defects.resync !== undefined) return this.#defects.resync(side, view, after);
    for (let at = after === 'hole' ? 0 : nextLine(view, 0); at >= 0; at = nextLine(view, at)) {
      if (starts[side].some((text) => view.matches(text, at))) return at;
    }
    return -1;
  }
}

function nextLine(view: ByteView, from: number): number {
  const end = view.indexOf(0x0a, from);
  return end < 0 || end + 1 >= view.available ? -1 : end + 1;
}

export function toy(defects: Defects = {}): ProtocolPlugin<'toy', ToyFrame> {
  return defineProtocol<'toy', ToyFrame, Attributes>({
    kind: 'protocol',
    apiVersion: 1,
    name: 'toy',
    transports: ['tcp'],
    inference: {
      rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['ASK ', 'TELL '] } }],
    },
    matching: { mode: 'in-order' },
    attributes: {
      'toy.topic': { type: 'string', description: 'What it is about.' },
      'toy.answer': { type: 'string', description: 'What was answered.' },
    },
    createParser: () => new ToyParser(defects),
    toRecord: defects.toRecord ?? toRecord,
    ...defects.plugin,
  });
}

export const toRecord: NonNullable<Defects['toRecord']> = ({ request, response }) => ({
  operation: request?.frame.verb ?? 'toy',
  status: response === undefined ? 'unknown' : response.frame.verb === '+' ? 'ok' : 'server-error',
  attributes: { 'toy.topic': request?.frame.rest, 'toy.answer': response?.frame.rest },
});

export const toyFixtures = [
  conversation(
    [
      ['client', 'ASK weather\n'],
      ['server', '+ sunny today\n'],
      ['client', 'TELL name anna\n'],
      ['server', '+ noted\n'],
      ['client', 'ASK nonsense\n'],
      ['server', '- what?\n'],
      ['client', 'ASK one\nASK two\n'],
      ['server', '+ 1\n+ 2\n'],
      ['client', 'ASK last\n'],
      ['server', '+ bye\n'],
    ],
    {
      name: 'talk',
      records: [
        { operation: 'ASK', status: 'ok', attributes: { 'toy.topic': 'weather' } },
        { operation: 'TELL', status: 'ok' },
        { operation: 'ASK', status: 'server-error', attributes: { 'toy.answer': 'what?' } },
        { operation: 'ASK', attributes: { 'toy.topic': 'one', 'toy.answer': '1' } },
        { operation: 'ASK', attributes: { 'toy.topic': 'two', 'toy.answer': '2' } },
        { operation: 'ASK', status: 'ok', complete: true },
      ],
    },
  ),
];
