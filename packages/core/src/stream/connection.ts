// SPDX-License-Identifier: Apache-2.0
import { candidatesFor, carriedHeaderBytes, matchPlugin } from '../inference/index.js';
import {
  createMatcher,
  deferAboveTlsNs,
  deferNs,
  type Absence,
  type ExchangeMatcher,
  type TimedMessage,
} from '../match/index.js';
import type {
  ConnectionInfo,
  Direction,
  ProcessIdentity,
  ProtocolPlugin,
  Role,
  Segment,
  TlsInfo,
  TraceRecord,
} from '../plugin/index.js';
import type { Budget } from './counters.js';
import { Deferral } from './deferral.js';
import { MessageReader, type ReaderContext, type ReaderOwner } from './message-reader.js';
import { NotShown } from './not-shown.js';
import type { Verdict } from './pipeline-types.js';
import { reportExchange, type ReportContext } from './report-exchange.js';
import { CarriedTls } from './tls/carried-tls.js';
import { sideOf, Undecided } from './undecided.js';

/** A connection whose parser was wrong so often is given up. */
const maxReopens = 4;

/** What all connections of a pipeline share. */
export interface ConnectionContext extends ReaderContext, ReportContext {
  plugins: readonly ProtocolPlugin[];
  reach: number;
  /** Port to plugin, for connections whose protocol the user names. */
  readonly decodeAs: ReadonlyMap<number, string> | undefined;
  readonly budget: Budget;
  /** The handshakes of TLS connections are read. */
  readonly readsHandshakes: boolean;
  /** What is known of the TLS of a connection that carries plaintext of another. */
  tlsOf(carrier: number | undefined): TlsInfo;
  /** The connection waits for something: it wants ticks. */
  wantsTicks(connection: Connection): void;
}

/** An end of a direction that came while its bytes were deferred. */
interface PendingEnd {
  readonly position: number;
}

/**
 * One socket: undecided until its protocol is known, then read by a parser in both directions, or ignored.
 */
export class Connection implements ReaderOwner {
  info: ConnectionInfo;
  plugin: ProtocolPlugin | undefined;
  /** Set when it is known that nothing can be read here: encrypted, upgraded to an unknown protocol, or unwanted. */
  opaque = false;
  /** Waits for a tick; owned by the pipeline. */
  ticking = false;
  /** For the source, told when the parse loop was left. */
  verdict: Verdict | undefined;
  /** Of records; made once. */
  ends: TraceRecord['connection'] | undefined;
  /** Of the last record: most are made by the same thread. */
  who: (ProcessIdentity & { readonly tid: number }) | undefined;
  readonly #context: ConnectionContext;
  /** What the source said; `info.role` may be what inference made of it. */
  #sourceRole: Role;
  #undecided: Undecided<ProtocolPlugin> | undefined;
  #requests: MessageReader | undefined;
  #responses: MessageReader | undefined;
  #in: MessageReader | undefined;
  #out: MessageReader | undefined;
  #matcher: ExchangeMatcher | undefined;
  #deferral: Deferral | undefined;
  #pendingEnd: PendingEnd | undefined;
  #midstream: boolean;
  #lastNs = 0;
  #reopens = 0;
  readonly #notShown: NotShown;
  readonly #carriedTls: CarriedTls;
  /** False when the tracing ends before the connection does. */
  #watched = true;
  /** Bytes moved. */
  #heard = false;
  /** Known with the first segment: what the source thinks, or who spoke first. */
  #likelyRequests: Direction | undefined;
  /** The protocol whose parser failed: the kernel's hint for it is not believed again. */
  #disproved: string | undefined;

  constructor(context: ConnectionContext, info: ConnectionInfo) {
    this.#context = context;
    this.info = info;
    this.#sourceRole = info.role;
    this.#midstream = info.midstream;
    this.#notShown = new NotShown(context.counters);
    this.#carriedTls = new CarriedTls(context.budget);
  }

  /** The role became known. When it contradicts the assumed one, reading starts anew. */
  role(role: Role): void {
    if (role === 'unknown') return;
    this.#sourceRole = role;
    if (role === this.info.role) return;
    const reading = this.#matcher !== undefined;
    this.#know(role);
    if (reading) this.#restart();
  }

  take(segment: Segment, hint: string | undefined): void {
    if (this.opaque) return;
    if (this.#carriedTls.isReading) this.#takeTls(segment);
    else if (this.#matcher === undefined) this.#decide(segment, hint);
    else this.#read(segment);
  }

  /** One direction ended at a position. */
  end(direction: Direction, position: number): void {
    const reader = direction === 'in' ? this.#in : this.#out;
    if (reader === undefined) return;
    if (reader === this.#responses && this.#deferral?.first !== undefined) {
      this.#pendingEnd = { position };
      return;
    }
    this.#moved(reader, position);
    reader.end(true);
    if (reader === this.#requests) this.#drain(-Infinity, -Infinity);
  }

  /** The connection ended; or, with `completes` false, the tracing of it. Negative positions: not known. */
  close(inPosition: number, outPosition: number, completes: boolean): void {
    this.#watched = completes;
    this.#settleAtEnd();
    const requests = this.#requests;
    const responses = this.#responses;
    if (requests === undefined || responses === undefined) {
      this.drop();
      return;
    }
    const requestsIn = requests === this.#in;
    this.#moved(requests, requestsIn ? inPosition : outPosition);
    this.#drain(Infinity, -Infinity);
    this.#moved(responses, requestsIn ? outPosition : inPosition);
    requests.end(completes);
    const fragment = responses.end(completes);
    this.#matcher?.close(fragment);
    this.drop();
  }

  /** Time passes; returns whether more of it is wanted. */
  tick(nowNs: number): boolean {
    if (this.#matcher === undefined) return false;
    this.#drain(nowNs - this.#deferNs, -Infinity);
    // Reading what was deferred may have ended the connection's reading.
    const matcher = this.#matcher as ExchangeMatcher | undefined;
    matcher?.tick(nowNs, this.#responses?.busy === true);
    return this.#waits();
  }

  message(reader: MessageReader, message: TimedMessage): void {
    const matcher = this.#matcher;
    if (matcher === undefined) return;
    try {
      if (reader === this.#requests) matcher.request(message);
      else matcher.response(message);
    } catch (error) {
      this.failed(error);
    }
  }

  lost(reader: MessageReader, began: boolean): void {
    this.#matcher?.lost(reader === this.#requests ? 'request' : 'response', began);
  }

  switchTo(reader: MessageReader, to: string): void {
    const plugin = this.#context.plugins.find((each) => each.name === to);
    this.#matcher?.close(0);
    if (plugin === undefined) {
      this.#handOver(to);
      return;
    }
    const other = reader === this.#requests ? this.#responses : this.#requests;
    this.#midstream = false;
    if (!this.#adopt(plugin)) return;
    this.verdict = { kind: 'protocol', name: plugin.name };
    other?.resume();
  }

  failed(error: unknown): void {
    this.misbehaved(error);
    this.ignore();
  }

  misbehaved(error: unknown): void {
    this.#context.counters.pluginFailures++;
    this.#context.onPluginFailure?.(this.plugin?.name ?? '?', error);
  }

  reopen(): void {
    this.#disproved = this.plugin?.name;
    this.#restart();
    if (++this.#reopens > maxReopens) this.ignore();
    else this.verdict = { kind: 'reopen' };
  }

  /** The active plugins changed: what one that is gone read, or none wanted, is looked at anew, as if joined now. */
  review(): void {
    const kept = this.plugin !== undefined && this.#context.plugins.includes(this.plugin);
    if (this.#carriedTls.isReading) return;
    if (!this.#heard || (kept && !this.opaque)) return;
    if (this.#undecided !== undefined) {
      this.#askAnew();
      return;
    }
    this.#restart(false);
    this.opaque = false;
    this.plugin = undefined;
    this.#disproved = undefined;
    this.#reopens = 0;
    this.verdict = { kind: 'reopen' };
  }

  /** Nothing more is taken, and the source is told so. */
  ignore(): void {
    if (this.opaque) return;
    this.drop();
    this.verdict = { kind: 'ignore' };
  }

  /** Nobody watches any more: a response may still come. */
  #known(absence: Absence): Absence {
    return absence === 'unanswered' && !this.#watched ? 'lost' : absence;
  }

  /** Gives everything back. `counts`: among the connections that are not shown, when nobody recognized it. */
  drop(counts = true): void {
    this.opaque = true;
    if (counts && this.plugin === undefined && this.#heard) this.#notShown.because('unrecognized');
    this.#undecided?.release();
    this.#undecided = undefined;
    this.#deferral?.clear();
    this.#requests?.stop();
    this.#responses?.stop();
    this.#requests = this.#responses = this.#in = this.#out = undefined;
    this.#matcher = undefined;
    this.#pendingEnd = undefined;
    this.#carriedTls.end();
  }

  // ---- plaintext above TLS ----

  /** What is known of the TLS below this plaintext; undefined when it is none. */
  get tls(): TlsInfo | undefined {
    return this.info.transport === 'tls' ? this.#context.tlsOf(this.info.carrier) : undefined;
  }

  /** What is known of the TLS that this connection carries; undefined when none was looked for. */
  get carriedTls(): TlsInfo | undefined {
    return this.#carriedTls.info;
  }

  /** Neither was it opened with a role, nor has one become known; what inference made of it does not count. */
  get isWithoutRole(): boolean {
    return this.#sourceRole === 'unknown';
  }

  /** The socket that carries this plaintext became known. */
  bind({ id, local, remote, role, likelyRequests }: ConnectionInfo): void {
    this.info = {
      ...this.info,
      local,
      remote,
      carrier: id,
      ...(likelyRequests === undefined ? {} : { likelyRequests }),
    };
    this.ends = undefined;
    this.#undecided?.reorder(candidatesFor(this.#context.plugins, this.info));
    if (this.isWithoutRole) this.role(role);
  }

  /** What this connection carries is shown as plaintext: it is not among those that are not shown. */
  cover(): void {
    this.#notShown.cover();
  }

  #takeTls(segment: Segment): void {
    const carried = this.#carriedTls;
    carried.take(segment);
    if (carried.isTls) this.#notShown.because('encrypted');
    if (carried.isDone) this.ignore();
  }

  /** The protocol hands over to one that no plugin reads: to TLS, or to what may be TLS. */
  #handOver(to: string): void {
    if (to === 'tls') this.#notShown.because('encrypted');
    const incoming = this.#in;
    const outgoing = this.#out;
    if (!this.#context.readsHandshakes || incoming === undefined || outgoing === undefined) {
      this.ignore();
      return;
    }
    const starts = { in: incoming.head, out: outgoing.head };
    const deferred = this.#deferral?.release() ?? [];
    this.drop();
    this.opaque = false;
    this.#carriedTls.beginAt(starts, deferred);
  }

  /** Reading a segment may have handed over to TLS, which may begin in it. */
  #followHandOver(segment: Segment): void {
    if (this.#carriedTls.isReading) this.#takeTls(segment);
  }

  /** What was read is reported; the protocol is no longer known. */
  #restart(counts = true): void {
    this.#matcher?.close(0);
    const failed = this.opaque;
    this.drop(counts);
    this.opaque = failed;
    this.#midstream = true;
    this.#know(this.#sourceRole);
  }

  // ---- undecided ----

  /** Other plugins are asked about what was kept: the first bytes of a message may be among it. */
  #askAnew(): void {
    const kept = this.#undecided?.release() ?? [];
    this.#undecided = undefined;
    for (const segment of kept) this.take(segment, undefined);
  }

  #decide(segment: Segment, hint: string | undefined): void {
    const context = this.#context;
    const requests = requestDirection(this.info.role);
    this.#heard = true;
    this.#likelyRequests ??= this.info.likelyRequests ?? segment.direction;
    const named = this.#namedByUser();
    if (named !== undefined) {
      this.#settle(named.plugin, requests ?? named.requests, segment, false);
      return;
    }
    const hinted =
      hint === undefined || hint === this.#disproved
        ? undefined
        : context.plugins.find((plugin) => plugin.name === hint);
    if (hinted !== undefined) {
      // The kernel side knows already: it has said so.
      const told = this.#undecided?.confirm(hinted, segment, requests) ?? requests;
      this.#settle(hinted, told ?? this.#guessRequests(hinted, segment), segment, true);
      return;
    }
    this.#undecided ??= new Undecided(
      candidatesFor(context.plugins, this.info),
      context.reach,
      context.view,
      context.counters,
      context.budget,
      this.#midstream,
      this.info.transport,
      carriedHeaderBytes(context.plugins),
    );
    const decision = this.#undecided.take(segment, requests);
    if (decision === undefined) return;
    if (decision.kind === 'ignore') {
      const isTls = decision.opaque === 'tls';
      if (isTls) this.#notShown.because('encrypted');
      if (isTls && context.readsHandshakes) {
        const kept = this.#undecided.release();
        this.#undecided = undefined;
        this.#carriedTls.begin();
        for (const each of [...kept, segment]) this.take(each, undefined);
      } else this.ignore();
    } else {
      this.#settle(decision.plugin, decision.requests ?? this.#likelyRequests, segment, false);
    }
  }

  /** The protocol was plain, and who asks was not: now it never will be, so who spoke first is taken for it. */
  #settleAtEnd(): void {
    const plugin = this.#undecided?.sideless;
    if (plugin !== undefined) this.#settle(plugin, this.#likelyRequests ?? 'in', undefined, false);
  }

  /** The protocol that the user named for one of the ports; the end with that port is the server. */
  #namedByUser(): { readonly plugin: ProtocolPlugin; readonly requests: Direction } | undefined {
    const { decodeAs, plugins } = this.#context;
    if (decodeAs === undefined) return undefined;
    const { local, remote } = this.info;
    const name = decodeAs.get(local.port) ?? decodeAs.get(remote.port);
    const plugin = name === undefined ? undefined : plugins.find((each) => each.name === name);
    if (plugin === undefined) return undefined;
    return { plugin, requests: decodeAs.has(local.port) ? 'in' : 'out' };
  }

  /** Which direction carries requests, for a hinted connection of unknown role. */
  #guessRequests(plugin: ProtocolPlugin, segment: Segment): Direction {
    const likely = this.#likelyRequests ?? segment.direction;
    const { view } = this.#context;
    view.reset(segment.data, segment.dataStart, segment.captured, 0, false, segment.startNs);
    const match = matchPlugin(plugin, view, segment.length, undefined);
    if (match === undefined || match === 'short') return likely;
    return sideOf(match, segment.direction, undefined) ?? likely;
  }

  /** The protocol is known: what was kept is read, then the segment that told. */
  #settle(
    plugin: ProtocolPlugin,
    requests: Direction,
    segment: Segment | undefined,
    isHinted: boolean,
  ): void {
    const kept = this.#undecided?.release() ?? [];
    this.#undecided = undefined;
    this.#know(requests === 'in' ? 'server' : 'client');
    this.#in = new MessageReader(this, this.#context, requests === 'in' ? 'request' : 'response');
    this.#out = new MessageReader(this, this.#context, requests === 'in' ? 'response' : 'request');
    this.#requests = requests === 'in' ? this.#in : this.#out;
    this.#responses = requests === 'in' ? this.#out : this.#in;
    if (!this.#adopt(plugin)) return;
    if (!isHinted) this.verdict = { kind: 'protocol', name: plugin.name };
    if (this.#midstream && segment !== undefined) {
      const told = segment.direction === 'in' ? this.#in : this.#out;
      const first = kept.find((each) => each.direction === segment.direction) ?? segment;
      told.startAt(first.position, false);
    }
    for (const each of kept) this.take(each, undefined);
    if (segment !== undefined) this.take(segment, undefined);
  }

  /** A protocol takes the connection, at the current positions of both directions. */
  #adopt(plugin: ProtocolPlugin): boolean {
    const requests = this.#requests;
    const responses = this.#responses;
    if (requests === undefined || responses === undefined) return false;
    this.plugin = plugin;
    try {
      const parser = plugin.createParser(
        this.#midstream === this.info.midstream
          ? this.info
          : { ...this.info, midstream: this.#midstream },
      );
      this.#matcher = createMatcher(
        plugin,
        (request, response, absence, fragment) =>
          reportExchange(this.#context, this, request, response, this.#known(absence), fragment),
        requests,
        responses,
        this.#midstream,
      );
      requests.forgetMessage();
      responses.forgetMessage();
      requests.parser = parser;
      responses.parser = parser;
    } catch (error) {
      this.failed(error);
      return false;
    }
    return true;
  }

  #know(role: Role): void {
    if (role === this.info.role) return;
    this.info = { ...this.info, role };
    this.ends = undefined;
  }

  // ---- reading ----

  #read(segment: Segment): void {
    const reader = segment.direction === 'in' ? this.#in! : this.#out!;
    const matcher = this.#matcher!;
    if (!reader.started && this.#midstream) reader.startAt(segment.position, true);
    if (reader === this.#responses) {
      if (this.#deferral?.first !== undefined) {
        this.#deferral.add(segment);
        this.#drain(segment.endNs - this.#deferNs, -Infinity);
      } else {
        // A hole decides whether order is still known, and so whether to wait.
        reader.approach(segment);
        if (this.#responses !== reader) {
          this.#followHandOver(segment);
          return;
        }
        if (reader.atBoundary && matcher.mustWait(segment.oppositePosition)) {
          this.#deferral ??= new Deferral(this.#context.counters, this.#context.budget);
          this.#deferral.add(segment);
        } else {
          reader.take(segment);
          this.#followHandOver(segment);
        }
      }
    } else {
      if (this.#deferral?.first !== undefined) {
        this.#drain(segment.endNs - this.#deferNs, segment.startNs);
        if (this.#requests !== reader) {
          this.#followHandOver(segment);
          return;
        }
      }
      const { idleMs } = segment;
      const quietSinceNs = idleMs === undefined ? this.#lastNs : segment.endNs - idleMs * 1e6;
      matcher.requestArrives(
        segment.oppositePosition,
        segment.startNs,
        quietSinceNs,
        idleMs !== undefined,
      );
      reader.take(segment);
      this.#followHandOver(segment);
      if (this.#deferral?.first !== undefined) this.#drain(-Infinity, -Infinity);
    }
    if (segment.endNs > this.#lastNs) this.#lastNs = segment.endNs;
    if (!this.ticking && this.#waits()) {
      this.ticking = true;
      this.#context.wantsTicks(this);
    }
  }

  /**
   * Reads deferred response segments that need not wait any longer.
   * @param expiredNs those that ended before this have waited long enough.
   * @param requestStartNs a request began at this time: what began earlier does not answer it.
   */
  #drain(expiredNs: number, requestStartNs: number): void {
    const deferral = this.#deferral;
    if (deferral === undefined) return;
    for (;;) {
      const first = deferral.first;
      const responses = this.#responses;
      if (first === undefined || responses === undefined || this.#matcher === undefined) break;
      responses.approach(first);
      if (this.#responses !== responses) return;
      const answersLater =
        first.oppositePosition <= this.#requests!.received && first.startNs < requestStartNs;
      if (
        first.endNs > expiredNs &&
        !answersLater &&
        responses.atBoundary &&
        this.#matcher.mustWait(first.oppositePosition)
      ) {
        return;
      }
      deferral.shift();
      responses.take(first);
      this.#followHandOver(first);
    }
    const ended = this.#pendingEnd;
    const responses = this.#responses;
    if (ended === undefined || responses === undefined) return;
    this.#pendingEnd = undefined;
    this.#moved(responses, ended.position);
    responses.end(true);
  }

  /** A direction is known to have moved this far: what was not handed over is a hole. */
  #moved(reader: MessageReader, position: number): void {
    if (reader.started) reader.gap(position, 'loss');
    else if (!this.#midstream) reader.gap(position, 'unseen');
  }

  /** How long a response waits for its request. */
  get #deferNs(): number {
    return this.info.transport === 'tls' ? deferAboveTlsNs : deferNs;
  }

  #waits(): boolean {
    return this.#matcher?.waiting === true || this.#deferral?.first !== undefined;
  }
}

function requestDirection(role: Role): Direction | undefined {
  if (role === 'server') return 'in';
  if (role === 'client') return 'out';
  return undefined;
}
