// SPDX-License-Identifier: Apache-2.0
import {
  foreignProtocol,
  inferFrom,
  matchPlugin,
  type Inferable,
  type Match,
  type WindowAnswer,
} from '../inference/index.js';
import type { ByteView, Direction, Segment, Side, Transport } from '../plugin/index.js';
import { CarriedHeader } from './carried-header.js';
import type { Budget, Counters } from './counters.js';
import { OwnedSegment } from './owned-segment.js';

/** Bytes and segments kept per direction while no protocol is known: a whole capture of the largest size fits. */
const maxKeptBytes = 65_536;
const maxKeptSegments = 512;
/** A connection seen from its start is given up after this much that no rule matches, per direction. */
const fresh = { misses: 16, bytes: 65_536 };
/** One that was joined midstream may have to get through a body first. */
const joined = { misses: 1024, bytes: 16 * 1024 * 1024 };

/** What the first bytes of a connection led to. */
export type Decision<P> =
  | { readonly kind: 'protocol'; readonly plugin: P; readonly requests: Direction | undefined }
  /** Nothing that an active plugin wants; `opaque` says what it is, when that is known. */
  | { readonly kind: 'ignore'; readonly opaque: 'tls' | 'http2' | undefined };

/** The first bytes of what may be a message, possibly split over several segments. */
class Run {
  active = false;
  /** Stream position that continues the run. */
  next = 0;
  /** Bytes that moved since the run began. */
  length = 0;
  bytes: Buffer = Buffer.alloc(0);
  /** Runs that no rule matched, and their bytes. */
  misses = 0;
  missedBytes = 0;
  /** Segments before this position belong to no message that was recognized. */
  keepFrom = 0;
}

/** A plugin that may be the one, by its `likely` rules. */
interface Suspect<P> {
  readonly plugin: P;
  matches: number;
  requests: Direction | undefined;
  /** Stream position of the first message that its rules knew, per direction. */
  readonly began: Partial<Record<Direction, number>>;
}

/** A connection whose protocol is not known yet: keeps its bytes, within bounds, and asks the rules about them. */
export class Undecided<P extends Inferable> {
  #candidates: readonly P[];
  readonly #reach: number;
  readonly #view: ByteView;
  readonly #counters: Counters;
  readonly #budget: Budget;
  readonly #limits: typeof fresh;
  readonly #transport: Transport;
  readonly #carried: CarriedHeader;
  readonly #midstream: boolean;
  /**
   * The protocol, when that is plain and who asks is not. Whoever was heard first on a connection that was joined
   * midstream need not be the one who asks: a message that says so is waited for.
   */
  sideless: P | undefined;
  readonly #in = new Run();
  readonly #out = new Run();
  readonly #suspects: Suspect<P>[] = [];
  #kept: OwnedSegment[] = [];
  #lastDirection: Direction | undefined;
  /** A header that may belong to what comes next began a turn. */
  #headerTurned = false;

  constructor(
    candidates: readonly P[],
    reach: number,
    view: ByteView,
    counters: Counters,
    budget: Budget,
    midstream: boolean,
    transport: Transport,
    carriedHeaderBytes: number,
  ) {
    this.#candidates = candidates;
    this.#reach = reach;
    this.#view = view;
    this.#counters = counters;
    this.#budget = budget;
    this.#limits = midstream ? joined : fresh;
    this.#transport = transport;
    this.#carried = new CarriedHeader(transport === 'udp' ? 0 : carriedHeaderBytes);
    this.#midstream = midstream;
  }

  /** The ends of the connection became known: others may be asked first. */
  reorder(candidates: readonly P[]): void {
    this.#candidates = candidates;
  }

  /**
   * Looks at one more segment and, without a decision, keeps a copy of it.
   * @param requests the direction of the requests, when the role is known.
   */
  take(segment: Segment, requests: Direction | undefined): Decision<P> | undefined {
    const turn = segment.direction !== this.#lastDirection || this.#headerTurned;
    this.#lastDirection = segment.direction;
    const run = segment.direction === 'in' ? this.#in : this.#out;
    // What was not seen may have been something else: `in a row` begins anew.
    if (run.next > 0 && segment.position !== run.next) this.#suspects.length = 0;
    const answer = this.#ask(run, segment, requests);
    // Judged with what follows it.
    const isHeader = this.#carried.holds && answer.kind === 'open' && answer.likely.length === 0;
    this.#headerTurned = isHeader && turn;
    if (answer.kind === 'tls') return { kind: 'ignore', opaque: 'tls' };
    if (answer.kind === 'certain') {
      const suspect = this.#suspects.find(({ plugin }) => plugin === answer.match.plugin);
      const began = suspect?.began[segment.direction] ?? Infinity;
      run.keepFrom = Math.min(run.next - run.length, began);
      this.#dropUnmatched(run, segment.direction);
      return settled(answer.match, segment.direction, requests);
    }
    if (answer.likely.length > 0) {
      const began = run.next - run.length;
      const sure = this.#suspect(answer.likely, segment.direction, requests, turn, began);
      if (sure !== undefined && this.#midstream && (requests ?? sure.requests) === undefined) {
        this.sideless = sure.plugin;
      } else if (sure !== undefined) {
        if (this.#midstream) this.#dropBefore(sure);
        return { kind: 'protocol', plugin: sure.plugin, requests: requests ?? sure.requests };
      }
    } else if (!run.active) {
      if (turn && !isHeader) this.#clear([], segment.direction);
      const opaque = this.#transport === 'tls' ? undefined : foreignProtocol(this.#view);
      if (opaque !== undefined) return { kind: 'ignore', opaque };
      run.misses++;
      run.missedBytes += run.length;
      if (run.misses >= this.#limits.misses || run.missedBytes >= this.#limits.bytes) {
        return { kind: 'ignore', opaque: undefined };
      }
    }
    this.#keep(segment);
    return undefined;
  }

  /**
   * The kernel side has named the protocol, by the window that this segment ends. What of the kept bytes belongs to no
   * message is forgotten.
   * @returns the direction of the requests, as far as it is known now
   */
  confirm(plugin: P, segment: Segment, requests: Direction | undefined): Direction | undefined {
    const { direction, position } = segment;
    const header = this.#carried.before(segment) ?? Buffer.alloc(0);
    this.#show(header, segment);
    const length = header.length + segment.length;
    const match = matchPlugin(plugin, this.#view, length, sideIn(direction, requests));
    if (match === undefined || match === 'short') return requests;
    const run = direction === 'in' ? this.#in : this.#out;
    run.keepFrom = position - header.length;
    this.#dropUnmatched(run, direction);
    return sideOf(match, direction, requests);
  }

  /** Hands over what was kept, oldest first, and forgets it. */
  release(): OwnedSegment[] {
    const kept = this.#kept;
    this.#kept = [];
    for (const segment of kept) this.#budget.charge(-segment.cost);
    return kept;
  }

  /** Asks the rules about the run that this segment begins or continues. Leaves the view on it. */
  #ask(run: Run, segment: Segment, requests: Direction | undefined): WindowAnswer<P> {
    const continues = run.active && segment.position === run.next && this.#transport !== 'udp';
    const header = this.#carried.before(segment);
    this.#carried.keep(segment, header !== undefined);
    const before = continues ? run.bytes : header;
    run.length = (continues ? run.length : (header?.length ?? 0)) + segment.length;
    run.next = segment.position + segment.length;
    this.#show(before ?? Buffer.alloc(0), segment);
    const side = sideIn(segment.direction, requests);
    const window = { view: this.#view, length: run.length, side };
    const answer = inferFrom(this.#candidates, this.#transport, window);
    run.active =
      answer.kind === 'open' &&
      answer.short &&
      answer.likely.length === 0 &&
      segment.captured === segment.length;
    if (run.active) run.bytes = this.#view.copy(0, this.#view.available);
    return answer;
  }

  /** Points the view at the first bytes of a segment, behind some that came before it. */
  #show(before: Buffer, { captured, data, dataStart, startNs }: Segment): void {
    if (before.length === 0) {
      this.#view.reset(data, dataStart, captured, 0, false, startNs);
      return;
    }
    const taken = data.subarray(dataStart, dataStart + Math.min(captured, this.#reach));
    const bytes = Buffer.concat([before, taken]);
    this.#view.reset(bytes, 0, bytes.length, 0, false, startNs);
  }

  /** Counts likely matches in a row; returns the plugin that has enough. */
  #suspect(
    matches: readonly Match<P>[],
    direction: Direction,
    requests: Direction | undefined,
    turn: boolean,
    began: number,
  ): Suspect<P> | undefined {
    if (turn) this.#clear(matches, direction);
    for (const match of matches) {
      const side = sideOf(match, direction, requests);
      let suspect = this.#suspects.find((each) => each.plugin === match.plugin);
      if (suspect === undefined || contradicts(suspect.requests, side)) {
        if (suspect !== undefined) this.#suspects.splice(this.#suspects.indexOf(suspect), 1);
        suspect = { plugin: match.plugin, matches: 0, requests: side, began: {} };
        this.#suspects.push(suspect);
      }
      suspect.requests ??= side;
      suspect.began[direction] ??= began;
      suspect.matches++;
      if (suspect.matches >= (match.plugin.inference.confirm ?? 2)) return suspect;
    }
    return undefined;
  }

  /** Clears the suspects whose rules had something to say of these bytes and did not match. */
  #clear(matches: readonly Match<P>[], direction: Direction): void {
    for (let i = this.#suspects.length - 1; i >= 0; i--) {
      const { plugin, requests } = this.#suspects[i]!;
      const side = requests === direction ? 'request' : 'response';
      const judged = plugin.inference.rules.some(
        ({ says }) => requests === undefined || says === 'either' || says === side,
      );
      if (judged && !matches.some((match) => match.plugin === plugin)) this.#suspects.splice(i, 1);
    }
  }

  /** What came before the recognized message in its own direction was no message. */
  #dropUnmatched(run: Run, direction: Direction): void {
    this.#kept = this.#kept.filter((segment) => {
      const keep = segment.direction !== direction || segment.position >= run.keepFrom;
      if (!keep) this.#budget.charge(-segment.cost);
      return keep;
    });
  }

  /** Joined midstream: what came before the first message that a suspect's rules knew is the rest of another. */
  #dropBefore({ began }: Suspect<P>): void {
    for (const direction of ['in', 'out'] as const) {
      const run = direction === 'in' ? this.#in : this.#out;
      run.keepFrom = began[direction] ?? 0;
      this.#dropUnmatched(run, direction);
    }
  }

  #keep(segment: Segment): void {
    const owned = new OwnedSegment(segment);
    if (!this.#budget.allows(owned.cost)) {
      this.#counters.cappedBytes += segment.captured;
      return;
    }
    this.#budget.charge(owned.cost);
    this.#kept.push(owned);
    let bytes = 0;
    let segments = 0;
    for (const each of this.#kept) {
      if (each.direction !== segment.direction) continue;
      bytes += each.captured;
      segments++;
    }
    while ((bytes > maxKeptBytes && segments > 1) || segments > maxKeptSegments) {
      const oldest = this.#kept.findIndex((each) => each.direction === segment.direction);
      const [dropped] = this.#kept.splice(oldest, 1);
      if (dropped === undefined) return;
      bytes -= dropped.captured;
      segments--;
      this.#budget.charge(-dropped.cost);
    }
  }
}

function settled<P extends Inferable>(
  match: Match<P>,
  direction: Direction,
  requests: Direction | undefined,
): Decision<P> {
  return {
    kind: 'protocol',
    plugin: match.plugin,
    requests: sideOf(match, direction, requests),
  };
}

function sideIn(direction: Direction, requests: Direction | undefined): Side | undefined {
  if (requests === undefined) return undefined;
  return requests === direction ? 'request' : 'response';
}

/** The direction of the requests, from who says what. */
export function sideOf(
  match: Pick<Match<Inferable>, 'says'>,
  direction: Direction,
  requests: Direction | undefined,
): Direction | undefined {
  if (requests !== undefined || match.says === 'either') return requests;
  if (match.says === 'request') return direction;
  return direction === 'in' ? 'out' : 'in';
}

function contradicts(one: Direction | undefined, other: Direction | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
