// SPDX-License-Identifier: Apache-2.0
// What the protocol packages say they emit (their `…Attributes` interfaces), and what their fixtures' records hold, is
// what the registry says, name by name.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  attributeDefinition,
  attributeRegistry,
  type AnyProtocol,
  type PluginFactory,
  type RegisteredAttribute,
} from '@libtrace/core';
import { readFixtures, runFixture } from '@libtrace/testkit';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const packages = join(dirname(fileURLToPath(import.meta.url)), '../../packages');
const protocols = readdirSync(packages)
  .filter((name) => name.startsWith('proto-'))
  .map((name) => name.slice('proto-'.length));
const entry = (protocol: string): string => join(packages, `proto-${protocol}/src/index.ts`);
const registry: readonly (readonly [string, RegisteredAttribute])[] =
  Object.entries(attributeRegistry);

const program = ts.createProgram(protocols.map(entry), {
  strict: true,
  exactOptionalPropertyTypes: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  customConditions: ['@libtrace/source'],
  skipLibCheck: true,
  types: [],
});
const checker = program.getTypeChecker();

/** Members of a package's exported `…Attributes` interfaces: type, and whether every record has them. */
function declared(protocol: string): Map<string, string> {
  const source = program.getSourceFile(entry(protocol))!;
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source)!);
  const members = new Map<string, string>();
  for (const symbol of exported.filter(({ name }) => name.endsWith('Attributes'))) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const type = checker.getDeclaredTypeOfSymbol(target);
    for (const property of checker.getPropertiesOfType(type)) {
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      members.set(property.name, word(typeName(checker.getTypeOfSymbol(property)), !optional));
    }
    for (const { keyType, type: value } of checker.getIndexInfosOfType(type)) {
      const { texts } = keyType as ts.TemplateLiteralType;
      members.set(`${texts[0]}<key>`, word(typeName(value), false));
    }
  }
  return members;
}

/** The registry's word for a type; literals and unions of them are what they are made of. */
function typeName(type: ts.Type): string {
  const parts = type.isUnion() ? type.types : [type];
  const names = parts
    .filter(({ flags }) => (flags & ts.TypeFlags.Undefined) === 0)
    .map((part) => {
      if (part.flags & ts.TypeFlags.StringLike) return 'string';
      if (part.flags & ts.TypeFlags.NumberLike) return 'number';
      if (part.flags & ts.TypeFlags.BooleanLike) return 'boolean';
      return checker.typeToString(part).replace(/^readonly /, '');
    });
  return [...new Set(names)].join(' | ');
}

describe.each(protocols)('the attributes of %s', (protocol) => {
  const registered = new Map(
    registry
      .filter(([, { protocols: names }]) => names.includes(protocol))
      .map(([name, { type, always }]) => [name, word(type, always === true)]),
  );

  it('are exported as an interface whose members have the names and types of the registry', () => {
    expect(sorted(declared(protocol))).toEqual(sorted(registered));
  });
});

describe.each(protocols)('the records of the fixtures of %s', (protocol) => {
  const folder = join(packages, `proto-${protocol}/fixtures`);

  it('have only attributes of the registry, with values of the type it says', async () => {
    const { default: create } = (await import(entry(protocol))) as { default: PluginFactory };
    for (const fixture of readFixtures(folder)) {
      for (const { attributes } of runFixture(
        create({ showValues: true }) as AnyProtocol,
        fixture,
      )) {
        for (const [name, value] of Object.entries(attributes)) {
          const definition = attributeDefinition(name) as RegisteredAttribute | undefined;
          expect(definition?.protocols, `${fixture.name}: ${name}`).toContain(protocol);
          expect(typeOf(value), `${fixture.name}: ${name}`).toBe(definition?.type);
        }
      }
    }
  });
});

function typeOf(value: unknown): string {
  return Array.isArray(value)
    ? `${[...new Set(value.map((each) => typeof each))].join()}[]`
    : typeof value;
}

function word(type: string, always: boolean): string {
  return always ? `${type}, always` : type;
}

function sorted(members: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...members].sort(([a], [b]) => (a < b ? -1 : 1)));
}
