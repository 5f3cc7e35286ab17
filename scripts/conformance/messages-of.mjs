// SPDX-License-Identifier: Apache-2.0
// Records as the messages they were made of, requests and responses each in order of time.

/**
 * A record that has a request gives a request message, one that has a response a response message. Both have all fields of
 * the record: what they do not have in common differs by `kind`.
 */
export function messagesOf(records) {
  const requests = [];
  const responses = [];
  for (const record of records) {
    if (!record.missing.includes('request')) {
      requests.push({ kind: 'request', atNs: record.startNs, record });
    }
    if (!record.missing.includes('response')) {
      const atNs = record.startNs + record.durationMs * 1e6;
      responses.push({ kind: 'response', atNs, record });
    }
  }
  const byTime = (one, other) => one.atNs - other.atNs;
  return { request: requests.sort(byTime), response: responses.sort(byTime) };
}

/** A field of the expectations in a message: undefined when it has none; null when no such field is known. */
export function fieldOf({ record }, field) {
  const { attributes } = record;
  const reader = readers[field];
  if (reader !== undefined) return reader(attributes, record);
  if (field in attributes) return attributes[field];
  // Names of OpenTelemetry and ours are attributes, whether this record has them or not.
  return /^(?:http|url|rpc|db|messaging|network|server|client|user_agent|error|libtrace)\./.test(
    field,
  )
    ? undefined
    : null;
}

const readers = {
  protocol: (_, record) => record.protocol,
  version: (attributes) => attributes['network.protocol.version'],
  stream: (attributes) => attributes['libtrace.http.stream_id'],
  'http.request.method': (attributes) =>
    attributes['http.request.method_original'] ?? attributes['http.request.method'],
  'url.path+query': (attributes) => {
    if (attributes['url.path'] === undefined) return undefined;
    const query = attributes['url.query'];
    return query === undefined ? attributes['url.path'] : `${attributes['url.path']}?${query}`;
  },
  host: (attributes) => {
    const { 'server.address': address, 'server.port': port } = attributes;
    if (address === undefined || port === undefined) return address;
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  },
  status: (_, record) => (record.status.endsWith('-error') ? 'error' : record.status),
  error_message: (attributes) => attributes['error.message'],
  command: (attributes) => attributes['libtrace.mysql.command'],
  statement_id: (attributes) => attributes['libtrace.mysql.statement_id'],
  // A result set has rows that it returned where other statements have rows that they changed. The answer to PREPARE begins
  // as that of other statements does, with the statement's number where they have affected rows: expectations that were
  // made from the bytes alone call it so.
  affected_rows: (attributes) =>
    attributes['libtrace.mysql.affected_rows'] ??
    attributes['db.response.returned_rows'] ??
    (attributes['libtrace.mysql.command'] === 'STMT_PREPARE'
      ? attributes['libtrace.mysql.statement_id']
      : undefined),
  // The argument of INIT_DB is the name of a database.
  'db.query.text': (attributes) =>
    attributes['db.query.text'] ??
    (attributes['libtrace.mysql.command'] === 'INIT_DB' ? attributes['db.namespace'] : undefined),
  api: (attributes) => attributes['messaging.operation.name'],
  api_version: (attributes) => attributes['libtrace.kafka.api_version'],
  correlation_id: (attributes) => attributes['libtrace.kafka.correlation_id'],
  error_code: (attributes) => attributes['libtrace.kafka.error_code'],
};
