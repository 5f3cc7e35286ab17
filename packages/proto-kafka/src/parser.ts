// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import { API_VERSIONS, PRODUCE, SASL_HANDSHAKE } from './apis.js';
import { BodyReader } from './body-reader.js';
import { Body, type LearnTopic } from './body.js';
import type { KafkaFrame } from './frames.js';
import { MAX_MESSAGE, RequestHeader, SIZE_BYTES } from './header.js';
import { programOf, type Program } from './layouts/program.js';
import { Outstanding } from './outstanding.js';
import { MessageSearch } from './search.js';

type Result = ParseResult<KafkaFrame>;

const RESPONSE_HEADER = 8;
/** As many as core keeps. */
const MAX_OUTSTANDING = 4096;
const MAX_UNANSWERED = 256;
/** A response to an unknown request that claims to be larger is not believed. */
const MAX_UNKNOWN = 128 * 1024 * 1024;
/** Nor one whose number is further away from those of requests. */
const MAX_DISTANCE = 65_536;
/** Tokens of SASL without headers (KIP-12) are smaller. */
const MAX_TOKEN = 1024 * 1024;

const badHeader: Result = { status: 'invalid', why: 'no Kafka header' };
const badBody: Result = { status: 'invalid', why: 'the body is not what the header says' };

/** One direction: a message that is being read, if any. */
interface Half {
  readonly reader: BodyReader;
  frame: KafkaFrame | undefined;
}

/** Reads one connection, both directions. */
export class KafkaParser implements FrameParser<KafkaFrame> {
  readonly #learn: LearnTopic;
  readonly #outstanding = new Outstanding(MAX_OUTSTANDING);
  /** Produce with acks=0. Brokers do not answer it; librdkafka's mock does, and clients throw that away. */
  readonly #unanswered = new Outstanding(MAX_UNANSWERED);
  readonly #request: Half = { reader: new BodyReader(), frame: undefined };
  readonly #response: Half = { reader: new BodyReader(), frame: undefined };
  readonly #header = new RequestHeader();
  readonly #client = { seen: false, id: undefined as string | undefined };
  #lastCorrelationId = 0;
  #search: MessageSearch | undefined;
  /** A request was what its header says, to the last byte: this is Kafka, whatever else comes. */
  #proven = false;
  /** A request was found by its body. */
  #searched = false;
  /** The first request was not: everything is refused, until core asks what else this may be. */
  #refusing = false;
  /** Behind SaslHandshake v0, until a request comes: requests, and so responses, may be bare tokens. */
  #requestTokens = false;
  #responseTokens = false;

  constructor(learn: LearnTopic) {
    this.#learn = learn;
  }

  parse(side: Side, view: ByteView): Result {
    if (this.#refusing && side === 'request') return badBody;
    const half = side === 'request' ? this.#request : this.#response;
    if (half.frame !== undefined) return this.#continue(half, half.frame, view, 0);
    return side === 'request' ? this.#beginRequest(view) : this.#beginResponse(view);
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    const search = (this.#search ??= new MessageSearch());
    const from = after === 'hole' ? 0 : 1;
    if (side === 'request') {
      this.#request.frame = undefined;
      if (this.#refusing && after === 'invalid') return view.available > 1 ? 1 : -1;
      const at = search.request(view, from, this.#client);
      this.#searched ||= at >= 0;
      return at;
    }
    this.#response.frame = undefined;
    return search.response(view, from, this.#outstanding);
  }

  end(side: Side): KafkaFrame | undefined {
    const half = side === 'request' ? this.#request : this.#response;
    const { frame } = half;
    half.frame = undefined;
    frame?.body.finish();
    return frame;
  }

  /** Every message says its length: one that the end cuts off is never whole. */
  endCompletes(): boolean {
    return false;
  }

  #beginRequest(view: ByteView): Result {
    const header = this.#header;
    const outcome = header.read(view, 0, this.#requestTokens || !this.#proven);
    if (outcome !== 'whole') {
      if (this.#requestTokens) {
        const token = tokenBytes(view);
        // What is too short for a header, or has none, is a token.
        if (token > 0 && (outcome === 'invalid' || token <= view.available)) return skip(token);
      }
      return outcome === 'more' ? { status: 'more', atLeast: header.wanted } : badHeader;
    }
    const { apiKey, apiVersion, correlationId, clientId } = header;
    // Nobody's request that begins here for no other reason than that tracing does.
    if (clientId === '' && !this.#proven && !this.#searched) return badHeader;
    const body = new Body();
    const frame: KafkaFrame = {
      kind: 'request',
      apiKey,
      apiVersion,
      correlationId,
      clientId,
      body,
    };
    this.#lastCorrelationId = correlationId;
    this.#client.seen = true;
    this.#client.id = clientId;
    this.#requestTokens = apiKey === SASL_HANDSHAKE && apiVersion === 0;
    if (this.#requestTokens) this.#responseTokens = true;
    this.#outstanding.add(correlationId, apiKey, apiVersion);
    const program = programOf('request', apiKey, apiVersion);
    return this.#begin(this.#request, frame, program, header.left, view, header.end);
  }

  #beginResponse(view: ByteView): Result {
    if (view.available < SIZE_BYTES) return { status: 'more', atLeast: RESPONSE_HEADER };
    const size = view.u32(0);
    if (this.#responseTokens && size < SIZE_BYTES) return skip(SIZE_BYTES + size);
    if (size < SIZE_BYTES || size > MAX_MESSAGE) return badHeader;
    if (view.available < RESPONSE_HEADER) return { status: 'more', atLeast: RESPONSE_HEADER };
    const correlationId = view.u32(SIZE_BYTES) | 0;
    const request = this.#outstanding.get(correlationId);
    if (request === undefined) {
      if (this.#unanswered.delete(correlationId)) return skip(SIZE_BYTES + size);
      if (this.#responseTokens && size <= MAX_TOKEN) return skip(SIZE_BYTES + size);
      if (size > MAX_UNKNOWN || !this.#isNear(correlationId)) return badHeader;
    } else {
      this.#outstanding.delete(correlationId);
      if (request.apiKey !== SASL_HANDSHAKE) this.#responseTokens = false;
    }
    const frame: KafkaFrame = {
      kind: 'response',
      correlationId,
      body: new Body(this.#learn),
      apiKey: request?.apiKey,
    };
    const program = programOf('response', request?.apiKey ?? -1, request?.apiVersion ?? 0);
    const left = size - SIZE_BYTES;
    return this.#begin(this.#response, frame, program, left, view, RESPONSE_HEADER);
  }

  /** Whether a request that was not seen may have had this number: clients count up. */
  #isNear(correlationId: number): boolean {
    const distance = Math.abs(correlationId - this.#lastCorrelationId);
    return this.#client.seen && distance <= MAX_DISTANCE;
  }

  #begin(
    half: Half,
    frame: KafkaFrame,
    program: Program,
    left: number,
    view: ByteView,
    at: number,
  ): Result {
    half.frame = frame;
    half.reader.begin(program, left, frame.body);
    return this.#continue(half, frame, view, at);
  }

  #continue(half: Half, frame: KafkaFrame, view: ByteView, at: number): Result {
    const { reader } = half;
    const stop = reader.read(view, at);
    if (stop === 'more') {
      if (reader.at === 0) return { status: 'more', atLeast: reader.wanted };
      return { status: 'part', consumed: reader.at };
    }
    const { body } = frame;
    if (frame.kind === 'request') {
      if (stop === 'done') this.#proven ||= reader.exact;
      else if (stop === 'malformed' && !this.#proven) {
        this.#refusing = true;
        return badBody;
      }
    }
    if (stop === 'malformed') {
      body.state = 'malformed';
      if (frame.kind === 'response' && frame.apiKey === API_VERSIONS) body.refuseVersion();
    } else if (stop === 'done' && body.state !== 'unread') body.state = 'whole';
    body.finish();
    half.frame = undefined;
    if (frame.kind === 'request' && isOneWay(frame)) {
      this.#outstanding.delete(frame.correlationId);
      this.#unanswered.add(frame.correlationId, frame.apiKey, frame.apiVersion);
    }
    return { status: 'frame', frame, consumed: reader.at + reader.left };
  }
}

/** Produce with acks=0 is not answered. */
export function isOneWay(frame: KafkaFrame): boolean {
  return frame.kind === 'request' && frame.apiKey === PRODUCE && frame.body.acks === 0;
}

/** Size of a token of SASL at the head of the view, with what says its length; 0 when it cannot be one. */
function tokenBytes(view: ByteView): number {
  if (view.available < SIZE_BYTES) return 0;
  const size = view.u32(0);
  return size <= MAX_TOKEN ? SIZE_BYTES + size : 0;
}

function skip(consumed: number): Result {
  return { status: 'skip', consumed };
}
