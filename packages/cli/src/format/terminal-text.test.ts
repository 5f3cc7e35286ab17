// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  displayWidth,
  escapeText,
  padLeft,
  padRight,
  truncate,
  wrapWords,
} from './terminal-text.js';

describe('escapeText', () => {
  it('leaves ordinary text alone', () => {
    expect(escapeText('/products/3?q=größe 日本')).toBe('/products/3?q=größe 日本');
  });

  it.each([
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\u009b2J', '\\x9b2J'],
    ['\u007f\u0000', '\\x7f\\x00'],
    ['safe\u202egnp.exe', 'safe\\u202egnp.exe'],
    ['zero\u200bwidth', 'zero\\u200bwidth'],
    ['\ud800', '\\ud800'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
  ])('makes %j visible', (text, expected) => {
    expect(escapeText(text)).toBe(expected);
  });

  it('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
  });
});

describe('widths', () => {
  it('counts wide and combining characters', () => {
    expect(displayWidth('日本')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
  });

  it('cuts to the width and says so', () => {
    expect(truncate('abcdef', 6)).toBe('abcdef');
    expect(truncate('abcdef', 5)).toBe('abcd…');
    expect(truncate('日本語', 4)).toBe('日…');
    expect(truncate('abc', 0)).toBe('');
  });

  it('pads by columns, not by characters', () => {
    expect(padRight('日', 4)).toBe('日  ');
    expect(padLeft('ab', 4)).toBe('  ab');
    expect(padLeft('abcde', 4)).toBe('abcde');
  });

  it('wraps at words', () => {
    expect(wrapWords('one two three four', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrapWords('incomprehensible a', 5)).toEqual(['incomprehensible', 'a']);
    expect(wrapWords('', 5)).toEqual(['']);
  });

  it('never exceeds the width', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 30 }),
        (text, width) => displayWidth(truncate(escapeText(text), width)) <= width,
      ),
    );
  });
});
