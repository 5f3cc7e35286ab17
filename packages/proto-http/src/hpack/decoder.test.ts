// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type FieldSink, HpackDecoder } from './decoder.js';
import { indexed as index, inserted } from './encoder.test-support.js';

class List implements FieldSink {
  readonly lines: string[] = [];
  wants(): boolean {
    return true;
  }
  field(name: string, value: string): void {
    this.lines.push(`${name}: ${value}`);
  }
  unknown(): void {
    this.lines.push('?');
  }
}

function decode(decoder: HpackDecoder, hex: string): string[] {
  const block = Buffer.from(hex.replace(/\s/g, ''), 'hex');
  const list = new List();
  const outcome = decoder.decode(block, 0, block.length, list);
  return outcome === 'whole' ? list.lines : [...list.lines, outcome];
}

/** As RFC 7541, Appendix C shows tables: newest first, with sizes. */
function table(decoder: HpackDecoder): string[] {
  const lines = [];
  for (let i = 0; i < decoder.table.length; i++) {
    const entry = decoder.table.at(i);
    lines.push(`${entry?.name ?? '?'}: ${entry?.value ?? '?'}`);
  }
  return [...lines, `size ${decoder.table.size}`];
}

describe('RFC 7541, Appendix C', () => {
  it('C.2: representations of fields', () => {
    const literal = new HpackDecoder(true);
    expect(decode(literal, '400a637573746f6d2d6b65790d637573746f6d2d686561646572')).toEqual([
      'custom-key: custom-header',
    ]);
    expect(table(literal)).toEqual(['custom-key: custom-header', 'size 55']);
    const others = new HpackDecoder(true);
    expect(decode(others, '040c2f73616d706c652f70617468')).toEqual([':path: /sample/path']);
    expect(decode(others, '100870617373776f726406736563726574')).toEqual(['password: secret']);
    expect(decode(others, '82')).toEqual([':method: GET']);
    expect(table(others)).toEqual(['size 0']);
  });

  const requests = {
    'C.3: requests': [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    'C.4: requests with Huffman coding': [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  };
  for (const [name, [first = '', second = '', third = '']] of Object.entries(requests)) {
    it(name, () => {
      const decoder = new HpackDecoder(true);
      const common = [':method: GET', ':scheme: http', ':path: /'];
      const host = ':authority: www.example.com';
      expect(decode(decoder, first)).toEqual([...common, host]);
      expect(table(decoder)).toEqual([host, 'size 57']);
      expect(decode(decoder, second)).toEqual([...common, host, 'cache-control: no-cache']);
      expect(table(decoder)).toEqual(['cache-control: no-cache', host, 'size 110']);
      expect(decode(decoder, third)).toEqual([
        ':method: GET',
        ':scheme: https',
        ':path: /index.html',
        host,
        'custom-key: custom-value',
      ]);
      expect(table(decoder)).toEqual([
        'custom-key: custom-value',
        'cache-control: no-cache',
        host,
        'size 164',
      ]);
    });
  }

  const responses = {
    'C.5: responses': [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
       6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
       54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
       5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
       3d31`,
    ],
    'C.6: responses with Huffman coding': [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
       2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
       77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
       9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
  };
  for (const [name, [first = '', second = '', third = '']] of Object.entries(responses)) {
    it(`${name}, in a table of 256 bytes`, () => {
      const decoder = new HpackDecoder(true);
      expect(decode(decoder, '3fe101')).toEqual([]);
      const cache = 'cache-control: private';
      const date = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
      const later = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
      const location = 'location: https://www.example.com';
      const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
      expect(decode(decoder, first)).toEqual([':status: 302', cache, date, location]);
      expect(table(decoder)).toEqual([location, date, cache, ':status: 302', 'size 222']);
      expect(decode(decoder, second)).toEqual([':status: 307', cache, date, location]);
      expect(table(decoder)).toEqual([':status: 307', location, date, cache, 'size 222']);
      expect(decode(decoder, third)).toEqual([
        ':status: 200',
        cache,
        later,
        location,
        'content-encoding: gzip',
        cookie,
      ]);
      expect(table(decoder)).toEqual([cookie, 'content-encoding: gzip', later, 'size 215']);
    });
  }
});

describe('HpackDecoder', () => {
  it('reads integers of one byte and of several (C.1)', () => {
    for (const [limit, size] of [
      ['2a', 10],
      ['3f9a0a', 1337],
    ] as const) {
      const kept = (entrySize: number): number => {
        const decoder = new HpackDecoder(true);
        decode(decoder, limit);
        decode(decoder, inserted('a', 'v'.repeat(Math.max(0, entrySize - 33))).toString('hex'));
        return decoder.table.length;
      };
      expect([kept(Math.max(33, size)), kept(Math.max(33, size) + 1)]).toEqual([
        size < 33 ? 0 : 1,
        0,
      ]);
    }
  });

  it('refuses integers without end, strings without end, and index 0', () => {
    for (const hex of ['ff8080808080808080', 'ffffffffff7f', '80', '3fffffffff7f']) {
      expect(decode(new HpackDecoder(true), hex).at(-1), hex).toBe('malformed');
    }
    for (const hex of ['ff', 'ff80', '40', '4001', '400161', '40016105', '4001610561', '3f']) {
      expect(decode(new HpackDecoder(true), hex).at(-1), hex).toBe('cut');
    }
  });

  it('refuses wrong padding and the end of a string within it', () => {
    // 'a' is 00011: padded by zeros, by more than 7 ones, and not at all
    for (const value of ['8118', '821fff', '84ffffffff', '8118']) {
      expect(decode(new HpackDecoder(true), `04${value}`)).toEqual(['malformed']);
    }
    expect(decode(new HpackDecoder(true), '04811f')).toEqual([':path: a']);
  });

  it('keeps what it decoded before the block broke off', () => {
    expect(decode(new HpackDecoder(true), '8286 8441 8cf1 e3c2')).toEqual([
      ':method: GET',
      ':scheme: http',
      ':path: /',
      'cut',
    ]);
  });

  it('does not decode what nobody wants, and inserts it all the same', () => {
    const decoder = new HpackDecoder(true);
    const seen: string[] = [];
    const sink: FieldSink = {
      wants: (name) => name === ':path',
      field: (name, value) => seen.push(name, value),
      unknown: () => seen.push('?'),
    };
    // x: y inserted; its index; x: z not inserted, malformed Huffman code that is never looked at
    const block = Buffer.from('400178 0179 be 0001 78 8118'.replaceAll(' ', ''), 'hex');
    expect(decoder.decode(block, 0, block.length, sink)).toBe('whole');
    expect(seen).toEqual([]);
    expect(table(decoder)).toEqual(['x: y', 'size 34']);
  });

  it('empties the table for an entry that is larger than it', () => {
    const decoder = new HpackDecoder(true);
    decode(decoder, '3f 09 40 01 61 01 62');
    expect(table(decoder)).toEqual(['a: b', 'size 34']);
    decode(decoder, '40 01 61 0a 62626262626262626262');
    expect(table(decoder)).toEqual(['size 0']);
  });
});

describe('a decoder that joined late', () => {
  const insert = (name: string | number, value: string): string =>
    inserted(name, value).toString('hex');
  const indexed = (distance: number): string => index(62 + distance).toString('hex');

  it('resolves what was inserted since, by distance, and nothing else', () => {
    const decoder = new HpackDecoder(false);
    expect(decode(decoder, indexed(0))).toEqual(['?']);
    decode(decoder, insert('a', '1'));
    decode(decoder, insert('b', '2'));
    expect(decode(decoder, indexed(0) + indexed(1) + indexed(2) + '82')).toEqual([
      'b: 2',
      'a: 1',
      '?',
      ':method: GET',
    ]);
  });

  it('knows the value of an entry whose name is unknown, and counts its insertion', () => {
    const decoder = new HpackDecoder(false);
    decode(decoder, insert('a', '1'));
    // inserted with the name at distance 5
    expect(decode(decoder, insert(62 + 5, 'v'))).toEqual(['?']);
    expect(decode(decoder, indexed(0) + indexed(1))).toEqual(['?', 'a: 1']);
    expect(decoder.table.at(0)).toMatchObject({ name: undefined, value: 'v' });
  });

  it('is exact behind an entry that the real table, of unknown size, did not take', () => {
    const decoder = new HpackDecoder(false);
    const big = 'x'.repeat(100);
    decode(decoder, insert('a', '1') + insert('big', big) + insert('c', '3'));
    expect(decode(decoder, indexed(0))).toEqual(['c: 3']);
  });

  it('does not believe that a small table is its own', () => {
    const decoder = new HpackDecoder(false);
    for (let i = 0; i < 300; i++) decode(decoder, insert('name', `value ${i}`));
    expect(decode(decoder, indexed(200))).toEqual(['name: value 99']);
    // the encoder says its limit: what cannot be in the table any more is forgotten
    decode(decoder, '3f 61');
    expect(decoder.table.length).toBe(Math.floor(128 / (32 + 4 + 9)));
  });

  it('forgets all when it lost blocks', () => {
    const decoder = new HpackDecoder(true);
    decode(decoder, insert('a', '1'));
    decoder.lose();
    expect(decode(decoder, indexed(0))).toEqual(['?']);
  });

  it('keeps a bounded amount, whatever the table may hold', () => {
    const decoder = new HpackDecoder(true);
    decode(decoder, '3fe1ffff7f');
    for (let i = 0; i < 5000; i++) decode(decoder, insert('name', 'v'.repeat(100)));
    expect(decoder.table.size).toBeLessThanOrEqual(65_536);
    expect(decode(decoder, indexed(2000))).toEqual(['?']);
    expect(decode(decoder, indexed(400))).toEqual([`name: ${'v'.repeat(100)}`]);
  });
});
