// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { splitAuthority, splitTarget } from './target.js';

describe('splitTarget', () => {
  it.each([
    ['GET', '/a/b', { path: '/a/b' }],
    ['GET', '/a?', { path: '/a', query: '' }],
    ['GET', '/a?b?c', { path: '/a', query: 'b?c' }],
    ['GET', '//a?b', { path: '//a', query: 'b' }],
    ['GET', 'http://h', { path: '/', scheme: 'http', authority: 'h' }],
    ['GET', 'HTTPS://h:1?q', { path: '/', query: 'q', scheme: 'https', authority: 'h:1' }],
    ['GET', 'http://u:p@h/a?q', { path: '/a', query: 'q', scheme: 'http', authority: 'u:p@h' }],
    ['CONNECT', 'h:443', { authority: 'h:443' }],
    ['OPTIONS', '*', { path: '*' }],
    ['GET', 'strange', { path: 'strange' }],
  ])('takes %s %s apart', (method, target, expected) => {
    const nothing = { path: undefined, query: undefined, scheme: undefined, authority: undefined };
    expect(splitTarget(method, target)).toEqual({ ...nothing, ...expected });
  });
});

describe('splitAuthority', () => {
  it.each([
    ['h', 'h', undefined],
    ['h:80', 'h', 80],
    ['h:', 'h', undefined],
    ['h:x', 'h', undefined],
    ['h:65536', 'h', undefined],
    ['[::1]', '::1', undefined],
    ['[::1]:8080', '::1', 8080],
    ['u:p@h:1', 'h', 1],
  ])('reads %s', (authority, address, port) => {
    expect(splitAuthority(authority)).toEqual({ address, port });
  });

  it('knows when there is no host', () => {
    expect([splitAuthority(''), splitAuthority(':80'), splitAuthority('u@')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
