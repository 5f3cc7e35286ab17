// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { RegisteredAttribute } from './attribute-definition.js';
import { attributeDefinition, attributeRegistry } from './attribute-registry.js';

const entries: readonly (readonly [string, RegisteredAttribute])[] =
  Object.entries(attributeRegistry);

describe('the attribute registry', () => {
  it.each(entries)('%s is named by the conventions or below libtrace', (name, { origin }) => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+(\.<key>)?$/);
    expect(name.startsWith('libtrace.')).toBe(origin === 'libtrace');
  });

  it.each(entries)('%s is described in whole sentences and has a protocol', (_, attribute) => {
    expect(attribute.description).toMatch(/^[A-Z`].*\.$/);
    expect(attribute.protocols.length).toBeGreaterThan(0);
  });

  it.each(entries)('%s has what its type and origin ask for', (_, attribute) => {
    if (attribute.unit !== undefined) expect(attribute.type).toBe('number');
    expect(attribute.stability === undefined).toBe(attribute.origin === 'libtrace');
  });
});

describe('the definition of a name', () => {
  it('is that of the registry', () => {
    expect(attributeDefinition('url.path')).toBe(attributeRegistry['url.path']);
  });

  it('is that of the template that the name begins with', () => {
    expect(attributeDefinition('http.request.header.accept')).toBe(
      attributeRegistry['http.request.header.<key>'],
    );
    expect(attributeDefinition('http.request.header.')).toBeUndefined();
  });

  it("is the plugin's own when it declares the name", () => {
    const own = {
      'libtrace.toy.key': { type: 'string', description: 'A key.' },
      'url.path': { type: 'number', description: 'Something else.' },
    } as const;
    expect(attributeDefinition('libtrace.toy.key', own)).toBe(own['libtrace.toy.key']);
    expect(attributeDefinition('url.path', own)).toBe(own['url.path']);
  });

  it.each(['nobody.knows', 'constructor', '__proto__'])('is none for %s', (name) => {
    expect(attributeDefinition(name, {})).toBeUndefined();
  });
});
