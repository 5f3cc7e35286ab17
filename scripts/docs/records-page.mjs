// SPDX-License-Identifier: Apache-2.0
// docs/records.md: the schema of a record and core's registry of attributes as a page, with records of real programs.
// `node scripts/docs/records-page.mjs` writes it (after a build), `--check` only compares.
import { chapters, exampleRecords } from './example-records.mjs';
import { isMain, packageExports, writeOrCheck } from './generated-file.mjs';
import { recordSchema } from './schema.mjs';

/** @typedef {import('./schema.mjs').Registry} Registry */
/** @typedef {{ type?: string, format?: string, enum?: readonly string[], items?: JsonSchema, $ref?: string, description?: string, properties?: Record<string, JsonSchema> }} JsonSchema */

export const recordsPath = 'docs/records.md';

const origins = {
  stable: 'OpenTelemetry',
  development: 'OpenTelemetry, in development',
  deprecated: 'OpenTelemetry, since renamed',
};

/** Part of a record. Plaintext has a connection of its own, whose ids begin at 2^52. */
export const aboveTls = {
  source: 'openssl',
  connection: {
    id: 2 ** 52 + 7,
    transport: 'tls',
    client: { address: '192.0.2.2', port: 49152 },
    server: { address: '192.0.2.1', port: 443 },
    tls: { version: '1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: 'shop.example' },
  },
};

/**
 * @param {Registry} registry
 * @param {ReadonlyMap<string, object>} examples by caption, as in `--format json`
 */
export function recordsPage(registry, examples) {
  return `# Records

<!-- Made by scripts/docs/records-page.mjs from core's attribute registry, the schema of records, and fixtures. -->

A record is one call of one protocol, seen from one process: what was asked and answered, by whom, when, and what could
not be seen. \`for await (const record of tracer)\` yields them; \`--format json\` prints one a line. The JSON Schema is
[record.schema.json](../packages/cli/schema/record.schema.json), which \`libtrace schema\` prints too.

## Every record

${envelopeTable(recordSchema(registry))}

In TypeScript a record also has \`startNs\` (when it began, nanoseconds on the clock of its source: CLOCK_MONOTONIC when
live), \`process.ppid\` (the parent's process id) and \`process.args\` (the arguments of the program, which may hold
secrets), which the JSON leaves out.

Of a call above TLS, the plaintext of which was taken from a library, \`source\` and \`connection\` look like this:

\`\`\`json
${JSON.stringify(aboveTls, undefined, 2)}
\`\`\`

\`missing\` says what was not seen: \`request\` and \`response\` a whole message, \`….head\` and \`….body\` a part of one,
\`….size\` that a size is a lower bound. Nothing is guessed: a value that is not known is absent.

## Attributes

Names are those of [OpenTelemetry's semantic conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/)
where there is one, and begin with \`libtrace.\` where there is none. \`<key>\` stands for the rest of a name. An attribute
is absent when its value is not known; those marked \`always\` are in every record of their protocol.

Plugins of others have attributes of their own: \`libtrace plugins\` lists them.

The examples are conversations of real programs that were played again: process, addresses and times are made up.

${chapters.map((chapter) => chapterText(registry, chapter, examples)).join('\n')}`;
}

/** @param {{ properties: Record<string, JsonSchema>, $defs: Record<string, JsonSchema> }} schema */
function envelopeTable({ properties, $defs }) {
  const rows = Object.entries(properties).flatMap(([name, value]) => {
    const inner = Object.entries(value.properties ?? {}).flatMap(([part, of]) => {
      const definition = of.$ref === undefined ? of : $defs[of.$ref.split('/').at(-1)];
      const parts = Object.entries(definition.properties ?? {});
      if (parts.length === 0) return [[`${name}.${part}`, of]];
      // What all objects of a kind are is said by the field that holds them.
      const whole = definition.description === undefined ? [] : [[`${name}.${part}`, definition]];
      return whole.concat(parts.map(([field, schema]) => [`${name}.${part}.${field}`, schema]));
    });
    return [[name, value], ...inner];
  });
  return table(
    ['field', 'type', 'meaning'],
    rows.map(([name, schema]) => [`\`${name}\``, typeOf(schema), schema.description ?? '']),
  );
}

/** @param {JsonSchema} schema */
function typeOf({ type, items, enum: values }) {
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(' ');
  if (type !== 'array') return type ?? '';
  return items.enum === undefined ? `list of ${items.type}` : `list of ${typeOf(items)}`;
}

/** @param {Registry} registry @param {import('./example-records.mjs').Chapter} chapter */
function chapterText(registry, { title, protocol, about, examples }, records) {
  const rows = Object.entries(registry)
    .filter(([, { protocols }]) => protocols.includes(protocol))
    .map(([name, { type, unit, description, origin, stability, always }]) => [
      `\`${name}\``,
      unit === undefined ? type : `${type}, ${unitName(unit)}`,
      always === true ? `${description} Always.` : description,
      origin === 'libtrace' ? 'libtrace' : origins[stability],
    ]);
  const shown = examples.map(
    ({ caption }) =>
      `${caption}:\n\n\`\`\`json\n${JSON.stringify(records.get(caption), undefined, 2)}\n\`\`\`\n`,
  );
  return `### ${title}

${about}

${table(['attribute', 'type', 'meaning', 'name'], rows)}

${shown.join('\n')}`;
}

/** @param {string} unit by UCUM; what is counted stands in braces there */
function unitName(unit) {
  if (unit === 'By') return 'bytes';
  return unit.replace(/^\{(.*)\}$/, '$1s');
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (isMain(import.meta.url)) {
  const names = ['core', 'cli', 'testkit', 'proto-http', 'proto-mysql', 'proto-kafka'];
  const [core, cli, testkit, ...protocols] = await Promise.all(names.map(packageExports));
  const plugins = protocols.map((each) => each.default());
  const examples = exampleRecords({ ...cli, ...testkit, plugins });
  await writeOrCheck(recordsPath, recordsPage(core.attributeRegistry, examples));
}
