// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { BodyReader } from './body-reader.js';
import { Body } from './body.js';
import { RequestHeader, SIZE_BYTES } from './header.js';
import { programOf } from './layouts/program.js';
import type { Outstanding } from './outstanding.js';

/** Where the place in the stream is not known, larger messages are not believed in. */
const MAX_SIZE = 128 * 1024 * 1024;
/** Bodies that are read on trial in one search. */
const MAX_TRIALS = 32;
/** Core keeps so many bytes at the end of what it searched: a head that is cut there is found with what follows. */
const KEPT = 64;
/** Behind the size and the correlation id. */
const RESPONSE_BODY = 8;
const MAX_ERROR = 199;
const MAX_THROTTLE_MS = 3_600_000;

/** What a place may be: a whole message, one that goes on behind the view, or none. */
type Verdict = 'done' | 'open' | 'no';

/** What is known of a connection's requests. */
export interface Client {
  /** Whether a request was seen. */
  readonly seen: boolean;
  /** Client id of the last one. */
  readonly id: string | undefined;
}

/**
 * Finds the next message in bytes of which nothing is known: a size that can be, a header of which every part can be,
 * and a body that reads as what the header says.
 */
export class MessageSearch {
  readonly #header = new RequestHeader();
  readonly #reader = new BodyReader();
  readonly #next = new RequestHeader();
  #trials = 0;

  /** Offset of the next request at or behind `from`, or -1. */
  request(view: ByteView, from: number, client: Client): number {
    return this.#first(view, from, 14, (at) => this.#request(view, at, client));
  }

  /** Offset of the next response to one of these requests at or behind `from`, or -1. */
  response(view: ByteView, from: number, requests: Outstanding): number {
    if (requests.size === 0) return -1;
    return this.#first(view, from, RESPONSE_BODY, (at) => this.#response(view, at, requests));
  }

  /** The first message that ends in the view as it should; without one, the first that may go on behind it. */
  #first(view: ByteView, from: number, leastBytes: number, judge: (at: number) => Verdict): number {
    this.#trials = 0;
    let open = -1;
    for (let at = from; at + leastBytes <= view.available && this.#trials < MAX_TRIALS; at++) {
      // Sizes begin with a byte of 0 … 8, and so do nearly no texts.
      if (view.u8(at) > 8) continue;
      const verdict = judge(at);
      if (verdict === 'done') return at;
      // Where little of it is to be seen, it is looked at again with what follows.
      if (verdict === 'open' && open < 0 && view.available - at >= KEPT) open = at;
    }
    return open;
  }

  #request(view: ByteView, at: number, client: Client): Verdict {
    if (view.u32(at) > MAX_SIZE) return 'no';
    const header = this.#header;
    const outcome = header.read(view, at, true);
    if (outcome === 'invalid') return 'no';
    if (outcome === 'more') return this.#beginsLike(view, at, client) ? 'open' : 'no';
    const { apiKey, apiVersion, clientId, end, left } = header;
    if (client.seen && clientId !== client.id) return 'no';
    const body = new Body();
    this.#reader.begin(programOf('request', apiKey, apiVersion), left, body);
    const verdict = this.#try(view, end, body);
    if (verdict === 'no') return 'no';
    // A name of some length makes up for a body that is not there to be read.
    if (!client.seen && (clientId ?? '').length < 3 && verdict === 'open') return 'no';
    const next = at + SIZE_BYTES + view.u32(at);
    const follows = next >= view.available || this.#next.read(view, next, true) !== 'invalid';
    return follows ? verdict : 'no';
  }

  /** Whether the visible part of a client id is the beginning of the known one. */
  #beginsLike(view: ByteView, at: number, client: Client): boolean {
    if (!client.seen) return true;
    const expected = Buffer.from(client.id ?? '');
    if (view.u16(at + 12) !== expected.length) return false;
    const visible = view.bytes(at + 14);
    return expected.subarray(0, visible.length).equals(visible);
  }

  #response(view: ByteView, at: number, requests: Outstanding): Verdict {
    const size = view.u32(at);
    if (size < SIZE_BYTES || size > MAX_SIZE) return 'no';
    const request = requests.get(view.u32(at + SIZE_BYTES) | 0);
    if (request === undefined) return 'no';
    const body = new Body();
    const program = programOf('response', request.apiKey, request.apiVersion);
    // No header has tagged fields yet.
    if (program.steps[0]?.type === 'tags' && view.u8(at + RESPONSE_BODY) > 0) return 'no';
    this.#reader.begin(program, size - SIZE_BYTES, body);
    const verdict = this.#try(view, at + RESPONSE_BODY, body);
    const next = at + SIZE_BYTES + size;
    const isLast = next >= view.available;
    // Where the body tells little, the place must fit what is around it.
    if (!this.#reader.exact) {
      const fits = isLast ? next === view.available : requests.has(view.u32(next + SIZE_BYTES) | 0);
      return fits ? verdict : 'no';
    }
    return isLast || view.u32(next) <= MAX_SIZE ? verdict : 'no';
  }

  #try(view: ByteView, at: number, body: Body): Verdict {
    this.#trials++;
    const stop = this.#reader.read(view, at);
    if (stop === 'malformed') return 'no';
    body.state = stop === 'done' ? 'whole' : 'cut';
    const error = body.errorCode ?? 0;
    const throttled = body.throttleMs ?? 0;
    if (error < -1 || error > MAX_ERROR || throttled < 0 || throttled > MAX_THROTTLE_MS) {
      return 'no';
    }
    return stop === 'done' && this.#reader.at <= view.available ? 'done' : 'open';
  }
}
