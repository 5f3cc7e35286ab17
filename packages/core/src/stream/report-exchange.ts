// SPDX-License-Identifier: Apache-2.0
import { ExchangeRecord, missingOf, type Absence } from '../match/index.js';
import type {
  ConnectionInfo,
  Message,
  ProcessIdentity,
  ProtocolPlugin,
  RecordSource,
  RecordStatus,
  TlsInfo,
  TraceRecord,
} from '../plugin/index.js';
import type { Counters } from './counters.js';

/** What records are made with. */
export interface ReportContext {
  readonly counters: Counters;
  readonly source: RecordSource;
  readonly wallClockOffsetNs: bigint;
  readonly onRecord: (record: TraceRecord) => void;
  readonly onPluginFailure: ((plugin: string, error: unknown) => void) | undefined;
}

/** The connection that an exchange belongs to, with what its records share. */
export interface Reporting {
  readonly info: ConnectionInfo;
  readonly plugin: ProtocolPlugin | undefined;
  readonly opaque: boolean;
  /** What is known of its TLS; undefined when there is none below it. */
  readonly tls: TlsInfo | undefined;
  ends: TraceRecord['connection'] | undefined;
  who: (ProcessIdentity & { readonly tid: number }) | undefined;
  failed(error: unknown): void;
}

/** Asks the plugin what an exchange says, and hands its record on. */
export function reportExchange(
  context: ReportContext,
  connection: Reporting,
  request: Message<unknown> | undefined,
  response: Message<unknown> | undefined,
  absence: Absence,
  fragmentBytes: number,
): void {
  const { plugin, info } = connection;
  const first = request ?? response;
  if (first === undefined || plugin === undefined || connection.opaque) return;
  let result;
  try {
    result = plugin.toRecord({ request, response }, info);
  } catch (error) {
    connection.failed(error);
    return;
  }
  if (result === undefined) return;
  if (!isResult(result)) {
    connection.failed(new TypeError('toRecord returned neither undefined nor a result'));
    return;
  }
  const missing = missingOf(
    request,
    response,
    absence,
    plugin.matching.mode === 'one-way',
    result.missing,
  );
  const record = new ExchangeRecord(
    plugin.name,
    result.operation,
    statusOf(result.status, absence),
    missing,
    first.startNs,
    response === undefined ? first.endNs : Math.max(response.endNs, first.endNs),
    // Nobody was traced: a capture shows the connection, not an end of it.
    context.source === 'pcap' ? 'unknown' : info.role,
    info.source ?? context.source,
    whoMoved(connection, first),
    endsOf(connection),
    request === undefined ? 0 : request.bytes,
    response === undefined ? fragmentBytes : response.bytes,
    result.attributes,
    context.wallClockOffsetNs,
  );
  context.counters.records++;
  if (!record.complete) context.counters.incompleteRecords++;
  context.onRecord(record);
}

/** Plugins may come from plain JavaScript. */
function isResult(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false;
  const { operation, attributes } = result as { operation?: unknown; attributes?: unknown };
  return typeof operation === 'string' && typeof attributes === 'object' && attributes !== null;
}

function statusOf(status: RecordStatus, absence: Absence): RecordStatus {
  switch (absence) {
    case 'none':
    case 'unsolicited':
      return status;
    case 'lost':
      return 'unknown';
    case 'unanswered':
    case 'fragment':
      return 'unanswered';
  }
}

function whoMoved(
  connection: Reporting,
  message: Message<unknown>,
): ProcessIdentity & { readonly tid: number } {
  const { process, tid } = message;
  const who = connection.who;
  if (
    who !== undefined &&
    who.tid === tid &&
    who.pid === process.pid &&
    who.comm === process.comm &&
    who.exe === process.exe &&
    who.cgroup === process.cgroup &&
    who.ppid === process.ppid &&
    who.container === process.container &&
    who.args === process.args
  ) {
    return who;
  }
  return (connection.who = { ...process, tid });
}

/** Without a known role the local end is the server: the plugin said that requests come in. */
function endsOf(connection: Reporting): TraceRecord['connection'] {
  const { tls, ends } = connection;
  // More may have been learned of the handshake meanwhile.
  if (ends !== undefined && ends.tls === tls) return ends;
  const { id, transport, role, local, remote } = connection.info;
  return (connection.ends = {
    id,
    transport,
    client: role === 'client' ? local : remote,
    server: role === 'client' ? remote : local,
    ...(tls === undefined ? {} : { tls }),
  });
}
