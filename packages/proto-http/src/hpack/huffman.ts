// SPDX-License-Identifier: Apache-2.0
import { huffmanLengths } from './huffman-lengths.js';

const EOS = 256;
/** Transition that ends in no string. */
const FAIL = 0xffffffff;
/** Transition that yields a byte, which stands above the number of the next node. */
const YIELDS = 0x10000;
/** Kept for the strings of all connections; longer ones get memory of their own. */
const scratch = Buffer.alloc(16_384);

/** An inner node of the code tree: its two children, inner nodes (numbers ≥ 0) or symbols (`-1 - symbol`). */
type Node = [zero: number | undefined, one: number | undefined];

/**
 * Decodes 4 bits at a time: `transitions[node × 16 + bits]` is the next node, with the byte that ended on the way, if
 * one did (no code is shorter than 5 bits).
 */
const transitions = buildTransitions(buildTree());
/** Nodes in which a string may end: less than 8 bits of padding, all of them 1 (RFC 7541 §5.2). */
const mayEnd = buildEnds();

/**
 * Decodes a Huffman-coded string (RFC 7541 §5.2). A character of the result is a byte.
 * @returns undefined when it is malformed: wrong padding, or the end-of-string symbol in it.
 */
export function decodeHuffman(buffer: Buffer, from: number, to: number): string | undefined {
  const most = Math.ceil(((to - from) * 8) / 5);
  const out = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  let length = 0;
  let node = 0;
  for (let at = from; at < to; at++) {
    const byte = buffer[at]!;
    const first = transitions[(node << 4) | (byte >> 4)]!;
    if (first === FAIL) return undefined;
    if ((first & YIELDS) !== 0) out[length++] = (first >> 8) & 0xff;
    const second = transitions[((first & 0xff) << 4) | (byte & 0xf)]!;
    if (second === FAIL) return undefined;
    if ((second & YIELDS) !== 0) out[length++] = (second >> 8) & 0xff;
    node = second & 0xff;
  }
  return mayEnd[node] === 1 ? out.toString('latin1', 0, length) : undefined;
}

/** Puts every code in a tree. Codes of one length are consecutive numbers; those of the next begin behind them. */
function buildTree(): Node[] {
  const nodes: Node[] = [[undefined, undefined]];
  let code = 0;
  let codeLength = 0;
  const symbols = huffmanLengths.map((length, symbol) => ({ length, symbol }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - codeLength);
    codeLength = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const branch = Math.floor(code / 2 ** bit) % 2 === 0 ? 0 : 1;
      let next = nodes[node]![branch];
      if (next === undefined) {
        next = nodes.push([undefined, undefined]) - 1;
        nodes[node]![branch] = next;
      }
      node = next;
    }
    nodes[node]![code % 2 === 0 ? 0 : 1] = -1 - symbol;
    code++;
  }
  return nodes;
}

function buildTransitions(nodes: readonly Node[]): Uint32Array {
  const table = new Uint32Array(nodes.length * 16);
  for (let from = 0; from < nodes.length; from++) {
    for (let bits = 0; bits < 16; bits++) table[from * 16 + bits] = transition(nodes, from, bits);
  }
  return table;
}

function transition(nodes: readonly Node[], from: number, bits: number): number {
  let node = from;
  let yielded = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[node]![((bits >> bit) & 1) as 0 | 1]!;
    if (next >= 0) {
      node = next;
    } else {
      const symbol = -1 - next;
      if (symbol === EOS) return FAIL;
      yielded = YIELDS | (symbol << 8);
      node = 0;
    }
  }
  return yielded | node;
}

function buildEnds(): Uint8Array {
  const nodes = buildTree();
  const ends = new Uint8Array(nodes.length);
  let node = 0;
  for (let padding = 0; padding < 8; padding++) {
    ends[node] = 1;
    node = nodes[node]![1]!;
  }
  return ends;
}
