// SPDX-License-Identifier: Apache-2.0
import {
  foreignProtocol,
  matchAll,
  type Inferable,
  type Match,
  type MatchResult,
} from '../inference/index.js';
import type { ByteView, Direction, Segment, Side } from '../plugin/index.js';
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
  bytes = Buffer.alloc(0);
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
}

/** A connection whose protocol is not known yet: keeps its bytes, within bounds, and asks the rules about them. */
export class Undecided<P extends Inferable> {
  readonly #candidates: readonly P[];
  readonly #reach: number;
  readonly #view: ByteView;
  readonly #counters: Counters;
  readonly #budget: Budget;
  readonly #limits: typeof fresh;
  readonly #tls: boolean;
  readonly #in = new Run();
  readonly #out = new Run();
  readonly #suspects: Suspect<P>[] = [];
  #kept: OwnedSegment[] = [];
  #lastDirection: Direction | undefined;

  constructor(
    candidates: readonly P[],
    reach: number,
    view: ByteView,
    counters: Counters,
    budget: Budget,
    midstream: boolean,
    tls: boolean,
  ) {
    this.#candidates = candidates;
    this.#reach = reach;
    this.#view = view;
    this.#counters = counters;
    this.#budget = budget;
    this.#limits = midstream ? joined : fresh;
    this.#tls = tls;
  }

  /**
   * Looks at one more segment and, without a decision, keeps a copy of it.
   * @param requests the direction of the requests, when the role is known.
   */
  take(segment: Segment, requests: Direction | undefined): Decision<P> | undefined {
    const turn = segment.direction !== this.#lastDirection;
    this.#lastDirection = segment.direction;
    const run = segment.direction === 'in' ? this.#in : this.#out;
    const result = this.#ask(run, segment, requests);
    const certain = result.matches[0];
    if (certain?.strength === 'certain') {
      run.keepFrom = run.next - run.length;
      this.#dropUnmatched(run, segment.direction);
      return settled(certain, segment.direction, requests);
    }
    if (result.matches.length > 0) {
      const sure = this.#suspect(result.matches, segment.direction, requests, turn);
      run.active = false;
      if (sure !== undefined) {
        return { kind: 'protocol', plugin: sure.plugin, requests: requests ?? sure.requests };
      }
    } else if (!result.short) {
      if (turn) this.#clear([], segment.direction);
      const opaque = this.#tls ? undefined : foreignProtocol(this.#view);
      if (opaque !== undefined) return { kind: 'ignore', opaque };
      run.active = false;
      run.misses++;
      run.missedBytes += run.length;
      if (run.misses >= this.#limits.misses || run.missedBytes >= this.#limits.bytes) {
        return { kind: 'ignore', opaque: undefined };
      }
    }
    this.#keep(segment);
    return undefined;
  }

  /** Hands over what was kept, oldest first, and forgets it. */
  release(): OwnedSegment[] {
    const kept = this.#kept;
    this.#kept = [];
    for (const segment of kept) this.#budget.charge(-segment.cost);
    return kept;
  }

  /** Evaluates the rules over the run that this segment begins or continues. Leaves the view on it. */
  #ask(run: Run, segment: Segment, requests: Direction | undefined): MatchResult<P> {
    const continues = run.active && segment.position === run.next;
    const taken = Math.min(segment.captured, this.#reach);
    if (continues) {
      run.bytes = Buffer.concat([
        run.bytes,
        segment.data.subarray(segment.dataStart, segment.dataStart + taken),
      ]);
      run.length += segment.length;
      this.#view.reset(run.bytes, 0, run.bytes.length, 0, false, segment.startNs);
    } else {
      run.length = segment.length;
      this.#view.reset(
        segment.data,
        segment.dataStart,
        segment.captured,
        0,
        false,
        segment.startNs,
      );
    }
    run.next = segment.position + segment.length;
    const side: Side | undefined =
      requests === undefined ? undefined : requests === segment.direction ? 'request' : 'response';
    const result = matchAll(this.#candidates, this.#view, run.length, side);
    const canGrow = result.short && segment.captured === segment.length;
    if (canGrow && result.matches.length === 0) {
      if (!continues) {
        const { data, dataStart } = segment;
        run.bytes = Buffer.from(data.subarray(dataStart, dataStart + taken));
      }
      run.active = true;
      return result;
    }
    return { matches: result.matches, short: false };
  }

  /** Counts likely matches in a row; returns the plugin that has enough. */
  #suspect(
    matches: readonly Match<P>[],
    direction: Direction,
    requests: Direction | undefined,
    turn: boolean,
  ): Suspect<P> | undefined {
    if (turn) this.#clear(matches, direction);
    for (const match of matches) {
      const side = sideOf(match, direction, requests);
      let suspect = this.#suspects.find((each) => each.plugin === match.plugin);
      if (suspect === undefined || contradicts(suspect.requests, side)) {
        if (suspect !== undefined) this.#suspects.splice(this.#suspects.indexOf(suspect), 1);
        suspect = { plugin: match.plugin, matches: 0, requests: side };
        this.#suspects.push(suspect);
      }
      suspect.requests ??= side;
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
