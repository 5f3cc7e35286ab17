// SPDX-License-Identifier: Apache-2.0

/** How the words of a command line are to be read. */
export interface Shape {
  /** Where the keys are: none, one word, or all words from there on. */
  readonly keys: 'none' | 'one' | 'all';
  /** Words before the keys, the command not counted. */
  readonly before: number;
  /** Words behind the key, the optional `noreply` not counted. */
  readonly behind: readonly [least: number, most: number];
  /** Which word, the command being 0, is the size of a data block behind the line. */
  readonly sizeAt?: number;
  /** The server never answers. */
  readonly silent?: boolean;
}

const store: Shape = { keys: 'one', before: 0, behind: [3, 3], sizeAt: 4 };
const retrieve: Shape = { keys: 'all', before: 0, behind: [0, 0] };
const plain = (least: number, most: number): Shape => ({
  keys: 'none',
  before: 0,
  behind: [least, most],
});

/**
 * The commands of memcached's doc/protocol.txt: storage, retrieval, deletion, counters, touch, the rest, and the meta
 * commands, whose flags come behind the key.
 */
export const commands: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ...['set', 'add', 'replace', 'append', 'prepend'].map((name) => [name, store] as const),
  ['cas', { ...store, behind: [4, 4] }],
  ['get', retrieve],
  ['gets', retrieve],
  ['gat', { ...retrieve, before: 1 }],
  ['gats', { ...retrieve, before: 1 }],
  ['delete', { keys: 'one', before: 0, behind: [0, 1] }],
  ['incr', { keys: 'one', before: 0, behind: [1, 1] }],
  ['decr', { keys: 'one', before: 0, behind: [1, 1] }],
  ['touch', { keys: 'one', before: 0, behind: [1, 1] }],
  ['stats', plain(0, 4)],
  ['flush_all', plain(0, 1)],
  ['version', plain(0, 0)],
  ['verbosity', plain(0, 1)],
  ['cache_memlimit', plain(1, 1)],
  ['slabs', plain(1, 4)],
  ['lru', plain(1, 5)],
  ['lru_crawler', plain(1, 2)],
  ['quit', { ...plain(0, 0), silent: true }],
  ['shutdown', { ...plain(0, 1), silent: true }],
  ['mg', { keys: 'one', before: 0, behind: [0, 20] }],
  ['ms', { keys: 'one', before: 0, behind: [1, 20], sizeAt: 2 }],
  ['md', { keys: 'one', before: 0, behind: [0, 20] }],
  ['ma', { keys: 'one', before: 0, behind: [0, 20] }],
  ['me', { keys: 'one', before: 0, behind: [0, 20] }],
  ['mn', plain(0, 20)],
]);

/** Meta commands with the flag `q` are answered only sometimes: order then says nothing. */
export function isQuiet(words: readonly string[]): boolean {
  if (!/^m[gsda]$/.test(words[0]!)) return false;
  return words.slice(2).some((word) => word === 'q');
}
