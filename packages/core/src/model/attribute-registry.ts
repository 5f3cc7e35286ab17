// SPDX-License-Identifier: Apache-2.0

/** Type of an attribute's value. Numbers are finite; lists keep the order in which their values were sent. */
export type AttributeType = 'string' | 'number' | 'boolean' | 'string[]';

/** What a name in {@link Attributes} means. Plugins declare the names that only they emit. */
export interface AttributeDefinition {
  readonly type: AttributeType;
  /** Of a number, by UCUM: `By` is a byte, `{row}` counts rows. Default: a number without unit (a code, an id). */
  readonly unit?: string;
  /** One or two sentences: what the value is, and when it is absent if that is not plain. */
  readonly description: string;
}

/** An attribute of the protocols that come with libtrace. */
export interface RegisteredAttribute extends AttributeDefinition {
  /** Whose name it is: one of OpenTelemetry's semantic conventions, or our own below `libtrace.`. */
  readonly origin: 'opentelemetry' | 'libtrace';
  /** What the conventions say of their name. `deprecated`: they have another by now, this one is still the usual one. */
  readonly stability?: 'stable' | 'development' | 'deprecated';
  /** Names of the plugins that emit it. */
  readonly protocols: readonly string[];
}

/**
 * Every attribute that the protocols of libtrace emit. A key that ends in `<key>` stands for all names that begin so.
 * docs/records.md and the JSON Schema of records are made from this table.
 * Names: OpenTelemetry semantic conventions (https://opentelemetry.io/docs/specs/semconv/registry/attributes/).
 */
export const attributeRegistry = {
  'network.protocol.name': {
    type: 'string',
    description: 'The application protocol: `http` also for gRPC and WebSocket.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'network.protocol.version': {
    type: 'string',
    description: 'Of the request, or of the response when there is no request: `1.0`, `1.1`, `2`.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'server.address': {
    type: 'string',
    description:
      'Host that the request names: of its target, `:authority` or `Host` (RFC 9110 §7.2). IPv6 without brackets.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'server.port': {
    type: 'number',
    description: 'Port behind that host, when one is stated.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'error.type': {
    type: 'string',
    description: 'Low-cardinality name of the error: for HTTP the status code.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.request.method': {
    type: 'string',
    description: 'Known method (RFC 9110 §9), or `_OTHER`.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.request.method_original': {
    type: 'string',
    description: 'The method as sent, when `http.request.method` is `_OTHER`.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.scheme': {
    type: 'string',
    description: '`http`; `https` for bytes taken above a TLS library; or what the request states.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.path': {
    type: 'string',
    description:
      'Path of the target; `*` for the asterisk form. Credentials in `;parameters` are hidden.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.query': {
    type: 'string',
    description: 'Query of the target without the question mark. Credentials are hidden.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.full': {
    type: 'string',
    description:
      'The whole URL, when the target is absolute (RFC 9112 §3.2.2): requests to a proxy.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'user_agent.original': {
    type: 'string',
    description: '`User-Agent` of the request (RFC 9110 §10.1.5).',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.request.body.size': {
    type: 'number',
    unit: 'By',
    description: 'Content of the request as transferred, without framing; 0 when there is none.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['http'],
  },
  'http.request.header.<key>': {
    type: 'string[]',
    description: 'Values of a request field that was asked for; the name in lower case.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.response.status_code': {
    type: 'number',
    description: 'RFC 9110 §15. Of the final response.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.response.body.size': {
    type: 'number',
    unit: 'By',
    description: 'Content of the response as transferred, without framing; 0 when there is none.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['http'],
  },
  'http.response.header.<key>': {
    type: 'string[]',
    description: 'Values of a response field that was asked for; the name in lower case.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'libtrace.http.upgrade': {
    type: 'string',
    description:
      'What the connection goes on as, behind this exchange: `websocket`, `h2c`, `opaque` for a CONNECT tunnel.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.stream_id': {
    type: 'number',
    description: 'HTTP/2 stream of the exchange (RFC 9113 §5.1.1).',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'rpc.system': {
    type: 'string',
    description: '`grpc`, on calls of gRPC and gRPC-web.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http'],
  },
  'rpc.service': {
    type: 'string',
    description: 'Full name of the service, with its package.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http'],
  },
  'rpc.method': {
    type: 'string',
    description: 'Name of the method, without the service.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['http'],
  },
  'rpc.grpc.status_code': {
    type: 'number',
    description: '`grpc-status`: 0 is OK. Absent when the call ended without one.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http'],
  },
  'db.system.name': {
    type: 'string',
    description: 'The database: `mysql`, or `mariadb` when the server said so.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.namespace': {
    type: 'string',
    description: 'Database that the connection had selected; absent when that was not seen.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.operation.name': {
    type: 'string',
    description: 'First keyword of the statement: `SELECT`, `INSERT`, `CALL`.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.query.text': {
    type: 'string',
    description: 'The statement, its literals replaced by `?` unless values are shown.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.response.status_code': {
    type: 'string',
    description: 'Error number that the server returned; absent when it did not.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.response.returned_rows': {
    type: 'number',
    unit: '{row}',
    description: 'Rows returned, over all result sets.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['mysql'],
  },
  'error.message': {
    type: 'string',
    description: 'What the server said of the error.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['mysql'],
  },
  'libtrace.mysql.command': {
    type: 'string',
    description: 'Command of the protocol, without `COM_`: `QUERY`, `STMT_EXECUTE`, `INIT_DB`.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.statement_id': {
    type: 'number',
    description: 'Id that the server gave a prepared statement.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.affected_rows': {
    type: 'number',
    unit: '{row}',
    description: 'Rows that were changed, over all results.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'messaging.system': {
    type: 'string',
    description: '`kafka`.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.operation.name': {
    type: 'string',
    description: 'Name of the API: `Produce`, `Fetch`, `OffsetCommit`.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.destination.name': {
    type: 'string',
    description: 'The topic, when the request is about one.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.client.id': {
    type: 'string',
    description: '`client.id` of the request.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.consumer.group.name': {
    type: 'string',
    description: 'The consumer group that the request is about.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'libtrace.kafka.api_version': {
    type: 'number',
    description: 'Version of the API that the request is written in.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.correlation_id': {
    type: 'number',
    description: 'Number that the response repeats.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.error_code': {
    type: 'number',
    description: 'First error code of the response that is not 0; 0 when there is none.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;

/** A key of {@link attributeRegistry}. */
export type AttributeName = keyof typeof attributeRegistry;

/**
 * What a name of a record's attributes means.
 *
 * @param name as it stands in a record
 * @param own what the record's plugin declares in `attributes`; looked at first
 * @returns the definition, or undefined for a name that nobody declared
 */
export function attributeDefinition(
  name: string,
  own: Readonly<Record<string, AttributeDefinition>> = {},
): AttributeDefinition | undefined {
  return definitionIn(own, name) ?? definitionIn(attributeRegistry, name);
}

function definitionIn(
  table: Readonly<Record<string, AttributeDefinition>>,
  name: string,
): AttributeDefinition | undefined {
  if (Object.hasOwn(table, name)) return table[name];
  for (const [template, definition] of Object.entries(table)) {
    if (!template.endsWith('<key>')) continue;
    const prefix = template.slice(0, -'<key>'.length);
    if (name.startsWith(prefix) && name.length > prefix.length) return definition;
  }
  return undefined;
}
