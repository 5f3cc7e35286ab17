// SPDX-License-Identifier: Apache-2.0
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE, RequestHeader } from './header.js';
import { KafkaParser } from './parser.js';
import { apiVersions, request, sized, Wire } from './messages.test-support.js';

const viewOf = (bytes: Buffer): ByteView => {
  const view = new ByteView();
  view.reset(bytes, 0, bytes.length, 0, false, 0);
  return view;
};
const header = new RequestHeader();
const read = (bytes: Buffer, strict = false): string => header.read(viewOf(bytes), 0, strict);
const head = (size: number, clientIdLength: number, clientId = 'client'): Buffer =>
  new Wire().i32(size).i16(3).i16(1).i32(7).i16(clientIdLength).raw(Buffer.from(clientId)).bytes;

describe('the header of a request', () => {
  it('says where its body begins', () => {
    expect(read(request(3, 1, -7, new Wire().i32(0)))).toBe('whole');
    expect(header).toMatchObject({ apiKey: 3, apiVersion: 1, correlationId: -7 });
    expect(header).toMatchObject({ clientId: 'client', end: 20, left: 4 });
    expect(read(request(3, 1, 7, new Wire().i32(0), { clientId: null }))).toBe('whole');
    expect(header).toMatchObject({ clientId: undefined, end: 14, left: 4 });
    expect(read(request(3, 1, 7, new Wire(), { clientId: '' }))).toBe('whole');
    expect(header).toMatchObject({ clientId: '', end: 14, left: 0 });
  });

  it('is wanted as far as it goes', () => {
    const bytes = request(3, 1, 7);
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(read(bytes.subarray(0, cut))).toBe('more');
      expect(header.wanted).toBeGreaterThan(cut);
    }
  });

  it('fits its message', () => {
    expect(read(head(16, 6))).toBe('whole');
    expect(read(head(15, 6))).toBe('invalid');
    expect(read(head(9, -1))).toBe('invalid');
    expect(read(head(10, -1))).toBe('whole');
    expect(read(head(10, -2))).toBe('invalid');
    expect(read(head(MAX_MESSAGE, 6))).toBe('whole');
    expect(read(head(MAX_MESSAGE + 1, 6))).toBe('invalid');
    expect(read(sized(Buffer.alloc(7)))).toBe('invalid');
  });

  it('names its client in letters', () => {
    expect(read(head(16, 6, 'cli\x1fnt'))).toBe('invalid');
    expect(read(head(17, 7, 'cliént'))).toBe('whole');
  });

  it('may be newer than this package, where it is known to be one', () => {
    for (const [key, version] of [
      [123, 0],
      [3, 14],
      [95, 32],
    ] as const) {
      expect(read(request(key, version, 1))).toBe('whole');
      expect(read(request(key, version, 1), true)).toBe('invalid');
    }
    expect(read(request(123, 33, 1))).toBe('invalid');
    expect(read(request(-1, 0, 1))).toBe('invalid');
  });
});

describe('an empty client id', () => {
  const nameless = request(12, 1, 7, new Wire().string('g').i32(1).string('m'), { clientId: '' });
  const parse = (parser: KafkaParser, bytes: Buffer): string =>
    parser.parse('request', viewOf(bytes)).status;

  it('is not believed where a message may begin', () => {
    expect(parse(new KafkaParser(() => undefined), nameless)).toBe('invalid');
  });

  it('is believed behind a request, and where one was looked for', () => {
    const after = new KafkaParser(() => undefined);
    expect(parse(after, apiVersions(0))).toBe('frame');
    expect(parse(after, nameless)).toBe('frame');
    const found = new KafkaParser(() => undefined);
    expect(found.resync('request', viewOf(Buffer.concat([nameless, nameless])), 'invalid')).toBe(
      nameless.length,
    );
    expect(parse(found, nameless)).toBe('frame');
  });
});
