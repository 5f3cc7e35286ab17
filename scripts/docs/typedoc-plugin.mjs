// SPDX-License-Identifier: Apache-2.0
// A typedoc plugin for members whose documentation stands elsewhere: entries of constant tables (error codes,
// attributes) are texts, or have a `meaning` or `description`, which documents them; alternatives of a union are documented as a
// whole, by the comment before each; the pattern of a conditional type has no members to document.
import {
  Comment,
  Converter,
  IntrinsicType,
  LiteralType,
  ReflectionKind,
  ReflectionType,
} from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const variable of project.getReflectionsByKind(ReflectionKind.Variable)) {
      for (const entry of membersOf(variable.type)) describe(project, entry);
    }
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const aliases = project.getReflectionsByKind(ReflectionKind.TypeAlias);
    const documented = aliases.flatMap(({ type }) => membersDocumentedOutside(type));
    app.options.setValue('intentionallyNotDocumented', [
      ...new Set(documented.map((member) => member.getFriendlyFullName())),
    ]);
  });
}

/** @param {import('typedoc').SomeType | undefined} type */
function membersOf(type) {
  return type instanceof ReflectionType ? (type.declaration.children ?? []) : [];
}

/** @param {import('typedoc').ProjectReflection} project @param {import('typedoc').DeclarationReflection} entry */
function describe(project, entry) {
  if (entry.type instanceof LiteralType && typeof entry.type.value === 'string') {
    entry.comment ??= comment(entry.type.value);
    return;
  }
  const texts = new Map();
  for (const { name, type } of membersOf(entry.type)) {
    if (type instanceof LiteralType && typeof type.value === 'string') texts.set(name, type.value);
  }
  const meaning = texts.get('meaning') ?? texts.get('description');
  if (meaning === undefined) return;
  entry.comment = comment([meaning, texts.get('remedy')].filter(Boolean).join('\n\n'));
  project.removeReflection(entry.type.declaration);
  entry.type = new IntrinsicType('object');
}

/** @param {import('typedoc').SomeType | undefined} type */
function membersDocumentedOutside(type) {
  if (type?.type === 'conditional') return membersOf(type.extendsType);
  if (type?.type !== 'union') return [];
  return type.types
    .filter((_, index) => type.elementSummaries?.[index]?.length > 0)
    .flatMap(membersOf)
    .filter((member) => !member.hasComment() && member.signatures === undefined);
}

/** @param {string} text */
function comment(text) {
  return new Comment([{ kind: 'text', text }]);
}
