// SPDX-License-Identifier: Apache-2.0
// packages/cli/schema/record.schema.json: the envelope of a record below, and the attributes of core's registry.
// `node scripts/docs/schema.mjs` writes it (after a build), `--check` only compares.
import { isMain, packageExports, writeOrCheck } from './generated-file.mjs';

/** @typedef {import('@libtrace/core').RegisteredAttribute} RegisteredAttribute */
/** @typedef {Readonly<Record<string, RegisteredAttribute>>} Registry */

export const schemaPath = 'packages/cli/schema/record.schema.json';

const bytes = { type: 'integer', minimum: 0 };
const missing = ['request', 'response'].flatMap((side) => [
  side,
  `${side}.head`,
  `${side}.body`,
  `${side}.size`,
]);

const envelope = {
  protocol: { description: 'Name of the protocol plugin.', type: 'string', minLength: 1 },
  operation: {
    description:
      'Low-cardinality name of what was asked: a method (GET), a keyword (SELECT), an API (Produce).',
    type: 'string',
    minLength: 1,
  },
  status: {
    description:
      'How the call ended. unanswered: no response in time, or before the connection closed.',
    enum: ['ok', 'client-error', 'server-error', 'unanswered', 'unknown'],
  },
  complete: { description: 'True when missing is empty.', type: 'boolean' },
  missing: {
    description:
      'What was not seen. request, response: the whole message; .head, .body: a part of it; .size: the size is a lower bound.',
    type: 'array',
    uniqueItems: true,
    items: { enum: missing },
  },
  startTime: {
    description:
      'When the request (or, without one, the response) began: RFC 3339, UTC, nanoseconds.',
    type: 'string',
    format: 'date-time',
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{9}Z$',
  },
  durationMs: {
    description:
      'Milliseconds from the first byte of the request to the last byte of the response; to the last byte seen when unanswered.',
    type: 'number',
    minimum: 0,
  },
  role: {
    description:
      'What the traced process is on the connection; unknown when that was not seen, as in packet captures.',
    enum: ['client', 'server', 'unknown'],
  },
  source: {
    description:
      'Where the bytes came from: syscall, pcap, recording, or the source of plaintext that took them: openssl, go, or one of another publisher.',
    type: 'string',
    minLength: 1,
  },
  process: {
    description: 'Who made the system calls, as it was then; kept after its end.',
    ...object(
      {
        pid: { description: 'Process id; 0 when unknown.', type: 'integer', minimum: 0 },
        tid: { description: 'Thread id; 0 when unknown.', type: 'integer', minimum: 0 },
        comm: { description: 'Command name, at most 15 bytes.', type: 'string' },
        exe: {
          description: 'Path of the executable; empty when it could not be learned.',
          type: 'string',
        },
        cgroup: {
          description: 'cgroup v2 path; empty when it could not be learned.',
          type: 'string',
        },
        container: {
          description:
            'Id of the container that the cgroup belongs to; absent outside of containers.',
          type: 'string',
          pattern: '^[0-9a-f]{64}$',
        },
      },
      ['container'],
    ),
  },
  connection: {
    description: 'The connection that it took place on.',
    ...object(
      {
        id: { description: 'Unique among the connections of one trace.', ...bytes },
        transport: {
          description: 'What carries the bytes; tls: plaintext taken above a TLS library.',
          enum: ['tcp', 'udp', 'unix', 'tls'],
        },
        client: { $ref: '#/$defs/endpoint' },
        server: { $ref: '#/$defs/endpoint' },
        tls: { $ref: '#/$defs/tls' },
      },
      ['tls'],
    ),
  },
  requestBytes: {
    description:
      'Bytes of the request on the wire, heads and framing included; 0 when it was not seen.',
    ...bytes,
  },
  responseBytes: {
    description: 'Bytes of the response on the wire; 0 when it was not seen.',
    ...bytes,
  },
  attributes: {
    description:
      "What the protocol says, by OpenTelemetry's semantic conventions, or libtrace.* where there is none. A name is absent when its value is not known. Plugins of others have names of their own.",
    type: 'object',
    additionalProperties: { $ref: '#/$defs/attribute' },
  },
};

const endpoint = object({
  address: {
    description:
      'IPv4 dotted, IPv6 compressed, or the path of a unix socket (empty when it has none, @name when abstract).',
    type: 'string',
  },
  port: { description: 'TCP or UDP port; 0 for unix sockets.', ...bytes, maximum: 65_535 },
});

const tls = {
  description:
    'What the handshake of its TLS told. Present with transport tls only, and empty when nothing of the handshake was seen.',
  ...object(
    {
      version: {
        description: 'Version of TLS: 1.3, 1.2, 1.1 or 1.0; absent when it was not seen.',
        enum: ['1.3', '1.2', '1.1', '1.0'],
      },
      cipher: {
        description:
          "Cipher suite, by its name in IANA's registry, or its number (0x1301); absent when it was not seen.",
        type: 'string',
        minLength: 1,
      },
      serverName: {
        description:
          'Name that the client asked for (SNI); absent when it was not seen or asked for none.',
        type: 'string',
        minLength: 1,
      },
      alpn: {
        description:
          'Protocol that both agreed on (ALPN); absent when it was not seen. TLS 1.3 encrypts it.',
        type: 'string',
        minLength: 1,
      },
    },
    ['version', 'cipher', 'serverName', 'alpn'],
  ),
};

const attribute = {
  description: 'A value of any protocol.',
  anyOf: [
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'array', items: { type: 'string' } },
  ],
};

/** The JSON Schema (2020-12) of one line of `--format json`. @param {Registry} registry */
export function recordSchema(registry) {
  const protocols = [
    ...new Set(Object.values(registry).flatMap((entry) => entry.protocols)),
  ].sort();
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'libtrace record',
    description:
      'One line of `--format json`: one call of one protocol, seen from one process. Made by scripts/docs/schema.mjs.',
    ...object(envelope),
    allOf: [
      {
        if: { properties: { complete: { const: true } } },
        then: { properties: { missing: { type: 'array', maxItems: 0 } } },
        else: { properties: { missing: { type: 'array', minItems: 1 } } },
      },
      ...protocols.map((protocol) => ({
        if: { properties: { protocol: { const: protocol } } },
        then: { properties: { attributes: { $ref: `#/$defs/${protocol}Attributes` } } },
      })),
    ],
    $defs: {
      endpoint,
      tls,
      attribute,
      ...Object.fromEntries(
        protocols.map((protocol) => [`${protocol}Attributes`, attributesOf(registry, protocol)]),
      ),
    },
  };
}

/** @param {Registry} registry @param {string} protocol */
function attributesOf(registry, protocol) {
  const entries = Object.entries(registry).filter(([, entry]) =>
    entry.protocols.includes(protocol),
  );
  const templates = entries.filter(([name]) => name.endsWith('<key>'));
  const plain = entries.filter(([name]) => !name.endsWith('<key>'));
  const always = plain.filter(([, entry]) => entry.always).map(([name]) => name);
  return {
    type: 'object',
    ...(always.length > 0 && { required: always }),
    properties: Object.fromEntries(plain.map(([name, entry]) => [name, valueSchema(entry)])),
    ...(templates.length > 0 && {
      patternProperties: Object.fromEntries(
        templates.map(([name, entry]) => [
          `^${name.slice(0, -'<key>'.length).replaceAll('.', '\\.')}.`,
          valueSchema(entry),
        ]),
      ),
    }),
  };
}

/** @param {RegisteredAttribute} attribute */
function valueSchema({ type, unit, description }) {
  if (type === 'string[]') return { description, type: 'array', items: { type: 'string' } };
  if (type !== 'number') return { description, type };
  // Bytes and what is counted in braces are whole and not negative; numbers without unit are codes and ids.
  if (unit === 'By' || unit?.startsWith('{')) return { description, ...bytes };
  return { description, type: unit === undefined ? 'integer' : 'number' };
}

/**
 * An object with all of these properties and no others.
 * @param {Readonly<Record<string, unknown>>} properties
 * @param {readonly string[]} optional those that may be absent
 */
function object(properties, optional = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    properties,
  };
}

if (isMain(import.meta.url)) {
  const { attributeRegistry } = await packageExports('core');
  await writeOrCheck(schemaPath, JSON.stringify(recordSchema(attributeRegistry)));
}
