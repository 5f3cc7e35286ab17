// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ByteView, type Test, type Transport } from '../plugin/index.js';
import { carriedHeaderBytes, type Inferable } from './candidates.js';
import { inferWindow } from './window.js';

const text = (...anyOf: string[]): Test => ({ kind: 'bytes', at: 0, anyOf });

function plugin(name: string, when: Test, more: Partial<Inferable['inference']> = {}): Inferable {
  return { name, transports: ['tcp'], inference: { rules: [{ says: 'either', when }], ...more } };
}

function infer(
  plugins: readonly Inferable[],
  bytes: string | readonly number[],
  { transport = 'tcp', port = 1 }: { transport?: Transport; port?: number } = {},
) {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
  const view = new ByteView();
  view.reset(buffer, 0, buffer.length, 0, false, 0);
  const ends = { transport, local: { address: '', port }, remote: { address: '', port: 2 } };
  const said = inferWindow(plugins, ends, { view, length: buffer.length, side: undefined });
  if (said.kind === 'open') return `${said.likely.map((m) => m.plugin.name).join()} ${said.short}`;
  return said.kind === 'tls' ? 'tls' : said.match.plugin.name;
}

describe('inferWindow', () => {
  it('takes the first plugin that is certain, those first that name a port', () => {
    const plugins = [
      plugin('a', text('x')),
      plugin('b', text('x'), { ports: [7] }),
      plugin('c', text('xy'), { ports: [8, 9] }),
    ];
    expect(infer(plugins, 'xy')).toBe('a');
    expect(infer(plugins, 'xy', { port: 7 })).toBe('b');
    expect(infer(plugins, 'xy', { port: 9 })).toBe('c');
    expect(infer(plugins, 'xx', { port: 9 })).toBe('a');
    expect(infer(plugins, 'yy', { port: 9 })).toBe(' false');
  });

  it('takes a certain match before likely ones, and a TLS record before both', () => {
    const likely = plugin('a', text('x', '\x16'));
    const rules = [{ says: 'either', strength: 'likely', when: text('x', '\x16') }] as const;
    const plugins = [{ ...likely, inference: { rules } }, plugin('b', text('xy', '\x16\x03'))];
    expect(infer(plugins, 'xz')).toBe('a false');
    expect(infer(plugins, 'xy')).toBe('b');
    expect(infer(plugins, 'x')).toBe('a true');
    expect(infer(plugins, [22, 3, 1, 2, 0])).toBe('tls');
  });

  it('sees TLS on streams, not in datagrams or in what TLS carried', () => {
    const any = {
      ...plugin('a', text('\x16')),
      transports: ['tcp', 'udp', 'unix', 'tls'] as const,
    };
    const record = [22, 3, 1, 2, 0];
    expect(infer([any], record, { transport: 'unix' })).toBe('tls');
    expect(infer([any], record, { transport: 'udp' })).toBe('a');
    expect(infer([any], record, { transport: 'tls' })).toBe('a');
  });

  it('asks no plugin of another transport', () => {
    expect(infer([plugin('a', text('x'))], 'x', { transport: 'udp' })).toBe(' false');
  });
});

describe('carriedHeaderBytes', () => {
  it('is the most that a plugin asks for', () => {
    expect(carriedHeaderBytes([])).toBe(0);
    const plugins = [4, undefined, 5].map((bytes) =>
      plugin('a', text('x'), bytes === undefined ? {} : { carryHeaderBytes: bytes }),
    );
    expect(carriedHeaderBytes(plugins)).toBe(5);
  });
});
