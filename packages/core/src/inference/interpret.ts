// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Field, Operand, Test } from '../plugin/index.js';

/** What a test says of some bytes; `short`: it depends on bytes that have not arrived. */
export type TestResult = boolean | 'short';

/**
 * Interprets one declarative test. Called by user-space inference and, against the generated program, by the
 * differential test of the kernel's inference.
 *
 * Fields are unsigned; `mask` applies before `plus`, in arithmetic wide enough never to wrap. A conjunction is false as
 * soon as one part is, whatever the other parts lack, and a disjunction true likewise.
 * @param totalLength bytes that moved, of which `view` holds a prefix: what a `Length` operand stands for.
 */
export function evaluate(test: Test, view: ByteView, totalLength: number): TestResult {
  switch (test.kind) {
    case 'cmp': {
      const left = operand(test.left, view, totalLength);
      const right = operand(test.right, view, totalLength);
      if (left === undefined || right === undefined) return 'short';
      return compare(test.op, left, right);
    }
    case 'bytes': {
      let short = false;
      for (const text of test.anyOf) {
        const stands = textAt(text, test.at, test.ignoreCase === true, view);
        if (stands === true) return true;
        if (stands === 'short') short = true;
      }
      return short ? 'short' : false;
    }
    case 'all': {
      let short = false;
      for (const part of test.of) {
        const holds = evaluate(part, view, totalLength);
        if (holds === false) return false;
        if (holds === 'short') short = true;
      }
      return short ? 'short' : true;
    }
    case 'any': {
      let short = false;
      for (const part of test.of) {
        const holds = evaluate(part, view, totalLength);
        if (holds === true) return true;
        if (holds === 'short') short = true;
      }
      return short ? 'short' : false;
    }
    case 'not': {
      const holds = evaluate(test.of, view, totalLength);
      return holds === 'short' ? 'short' : !holds;
    }
  }
}

/** How many first bytes a test can look at: with that many it never answers `short`. */
export function reach(test: Test): number {
  switch (test.kind) {
    case 'cmp':
      return Math.max(operandReach(test.left), operandReach(test.right));
    case 'bytes':
      return test.at + Math.max(0, ...test.anyOf.map((text) => text.length));
    case 'all':
    case 'any':
      return Math.max(0, ...test.of.map(reach));
    case 'not':
      return reach(test.of);
  }
}

function operandReach(value: Operand): number {
  return typeof value === 'object' && 'at' in value ? value.at + value.width : 0;
}

function operand(value: Operand, view: ByteView, totalLength: number): number | undefined {
  if (typeof value === 'number') return value;
  if ('length' in value) return totalLength + (value.plus ?? 0);
  return field(value, view);
}

function field(value: Field, view: ByteView): number | undefined {
  if (value.at + value.width > view.available) return undefined;
  let number = 0;
  for (let i = 0; i < value.width; i++) {
    const at = value.order === 'le' ? value.at + value.width - 1 - i : value.at + i;
    number = number * 256 + view.u8(at);
  }
  if (value.mask !== undefined) number = (number & value.mask) >>> 0;
  return number + (value.plus ?? 0);
}

function compare(
  op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge',
  left: number,
  right: number,
): boolean {
  switch (op) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'lt':
      return left < right;
    case 'le':
      return left <= right;
    case 'gt':
      return left > right;
    case 'ge':
      return left >= right;
  }
}

function textAt(text: string, at: number, ignoreCase: boolean, view: ByteView): TestResult {
  for (let i = 0; i < text.length; i++) {
    if (at + i >= view.available) return 'short';
    let is = view.u8(at + i);
    let wanted = text.charCodeAt(i);
    if (ignoreCase) {
      is = lowerCase(is);
      wanted = lowerCase(wanted);
    }
    if (is !== wanted) return false;
  }
  return true;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
