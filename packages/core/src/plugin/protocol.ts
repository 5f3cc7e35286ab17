// SPDX-License-Identifier: Apache-2.0
import type {
  AttributeDefinition,
  Attributes,
  ConnectionInfo,
  Missing,
  ProcessIdentity,
  RecordStatus,
  Transport,
} from '../model/index.js';
import type { ByteView } from './byte-view.js';
import type { Inference } from './inference.js';
import type { UprobePlugin } from './uprobe.js';

/** Bumped only when a plugin written for the old number can no longer run. */
export type PluginApiVersion = 1;

/** The two halves of an exchange. */
export type Side = 'request' | 'response';

/** What one call of {@link FrameParser.parse} did with the head of the view. */
export type ParseResult<Frame> =
  /**
   * A whole message ends here. `consumed` may exceed `available`: core steps over the rest (a body that was not captured
   * or has not arrived yet) and hands the frame on when the last byte has moved.
   */
  | { readonly status: 'frame'; readonly frame: Frame; readonly consumed: number }
  /**
   * Several whole messages end in the same bytes (a compressed packet). The first completes the message in progress, if
   * there is one, and is charged with the bytes; the others have none. `consumed` is at most `available`.
   */
  | { readonly status: 'frames'; readonly frames: readonly Frame[]; readonly consumed: number }
  /** Bytes of a message that goes on (a head, a chunk). `consumed` may exceed `available`, as above. */
  | { readonly status: 'part'; readonly consumed: number }
  /** Bytes that belong to no message (padding, keep-alives). */
  | { readonly status: 'skip'; readonly consumed: number }
  /** Nothing can be said before more bytes arrive; `atLeast` counts from the head of the view. */
  | { readonly status: 'more'; readonly atLeast?: number }
  /** Not this protocol, or not at a message boundary. Core resynchronizes. */
  | { readonly status: 'invalid'; readonly why: string }
  /**
   * The connection goes on as another protocol (HTTP upgrade, STARTTLS). `frame`, when given, is the message that
   * said so. An unknown `to` (or `'opaque'`) makes core ignore the rest of the connection.
   */
  | {
      readonly status: 'switch';
      readonly to: string;
      readonly consumed: number;
      readonly frame?: Frame;
    };

/** Reads one connection, both directions. Keeps what state it needs; never throws; never keeps a view. */
export interface FrameParser<Frame> {
  /**
   * Called with the head of one direction whenever bytes arrived, a hole arrived inside a message (`available` may be 0
   * then), or the end arrived with bytes left over, and nothing was outstanding. A hole between messages is core's
   * affair. `consumed` is a positive integer (0 is allowed for `switch` only).
   */
  parse(side: Side, view: ByteView): ParseResult<Frame>;
  /**
   * Offset (0 allowed after a hole, > 0 after `invalid`) of the next plausible start of a message, or -1. The parser
   * forgets what it knew of the message in progress on that side. Also asked for the first bytes of a connection that
   * was joined midstream, with `'hole'`.
   */
  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number;
  /**
   * The direction ended in the middle of a message (`part`s were returned, no `frame`): returns the frame as far as it
   * is known, or undefined. Called for `Connection: close` bodies too, where the end completes the message.
   */
  end?(side: Side): Frame | undefined;
  /**
   * Asked right before {@link end}: whether the end of the direction is what completes the message in progress (a body
   * that lasts until the connection closes). `false` makes it `truncated` (a chunked body without its last chunk). Not
   * asked when core itself knows that bytes are owed. Default: true.
   */
  endCompletes?(side: Side): boolean;
}

/** A message with its place and time, as the matcher and {@link ProtocolPlugin.toRecord} see it. */
export interface Message<Frame> {
  /** What the parser made of it. */
  readonly frame: Frame;
  /** CLOCK_MONOTONIC ns of its first byte. */
  readonly startNs: number;
  /** CLOCK_MONOTONIC ns of its last byte. */
  readonly endNs: number;
  /** Bytes on the wire, holes included. */
  readonly bytes: number;
  /** Bytes of it that lie in holes. */
  readonly holeBytes: number;
  /** True when the direction ended before the message did. */
  readonly truncated: boolean;
  /** Who moved its first byte. */
  readonly process: ProcessIdentity;
  /** Thread that moved its first byte. */
  readonly tid: number;
}

/** A request with its response. One of the two is missing when it was not seen or never came. */
export interface Exchange<Frame> {
  /** What was asked; undefined when it was not seen. */
  readonly request: Message<Frame> | undefined;
  /** What was answered; undefined when it was not seen or never came. */
  readonly response: Message<Frame> | undefined;
}

/** Why an exchange that a {@link Matcher} reports has no response: none is due (`none`), none came, or it may have been lost. */
export type MatcherAbsence = 'none' | 'unanswered' | 'lost';

/**
 * Reports an exchange; at least one of the two messages is given.
 * @param absence why there is no response; default `unanswered`. Without meaning when there is one.
 */
export type EmitPair<Frame> = (
  request: Message<Frame> | undefined,
  response: Message<Frame> | undefined,
  absence?: MatcherAbsence,
) => void;

/**
 * Pairs messages that neither order nor a key pairs: streams whose messages interleave on one connection, say. May
 * report messages of its own, built from those it was given: `{ ...first, frame, endNs, bytes, holeBytes, truncated }`.
 * One object serves one connection.
 */
export interface Matcher<Frame> {
  /** A message ended. Reports what it completes, or keeps the message. */
  push(side: Side, message: Message<Frame>, emit: EmitPair<Frame>): void;
  /** Bytes of one side were lost in a way that may hide messages. */
  lost?(side: Side, emit: EmitPair<Frame>): void;
  /** Something is held that waits for time to pass: wants {@link tick}. Default: false. */
  readonly waiting?: boolean;
  /** Time passes: about every 100 ms while {@link waiting}. CLOCK_MONOTONIC nanoseconds. */
  tick?(nowNs: number, emit: EmitPair<Frame>): void;
  /** The connection ended, or the tracing of it: what is held is reported now or never. */
  close?(emit: EmitPair<Frame>): void;
}

/** How requests find their responses. */
export type Matching<Frame> =
  /** Responses come in the order of their requests. */
  | {
      readonly mode: 'in-order';
      /** True for requests that get no response, and for what a server sends unasked. */
      oneWay?(frame: Frame): boolean;
    }
  /** Responses come in any order and repeat something of their request. */
  | {
      readonly mode: 'by-key';
      /** Equal on a request and its response. */
      key(frame: Frame): number | string;
      /** True for requests that get no response, and for what a server sends unasked. */
      oneWay?(frame: Frame): boolean;
      /**
       * A response cannot be parsed before its request was: response bytes wait, at most 100 ms, for the events of
       * request bytes that moved before them. Default: false.
       */
      readonly needsRequest?: boolean;
    }
  /** Nothing is answered: every message is a record of its own. */
  | { readonly mode: 'one-way' }
  /** The plugin pairs by itself. */
  | {
      readonly mode: 'custom';
      /** Makes the matcher of one connection. */
      create(): Matcher<Frame>;
      /** Frames that core pairs in order; the custom matcher never sees them. For protocols that have both dialects. */
      inOrder?(frame: Frame): boolean;
    };

/** What a protocol says of an exchange; core adds time, process, connection and sizes. */
export interface ProtocolResult<A extends object = Attributes> {
  /** Low-cardinality name of what was asked. */
  readonly operation: string;
  /** Core replaces it by `unanswered` when there was a request and no response. */
  readonly status: Exclude<RecordStatus, 'unanswered'>;
  /**
   * Values, by the names of the attribute registry or of {@link ProtocolPlugin.attributes}. Unknown ones are absent.
   */
  readonly attributes: A;
  /** What the plugin knows to be missing beyond what core sees from holes. */
  readonly missing?: readonly Missing[];
}

/** A protocol: a plain object made by a factory. */
export interface ProtocolPlugin<
  Name extends string = string,
  Frame = unknown,
  A extends object = Attributes,
> {
  /** Says that the plugin is a protocol. */
  readonly kind: 'protocol';
  /** Version of this interface that the plugin was written for. */
  readonly apiVersion: PluginApiVersion;
  /** Unique among active plugins; `protocol` of its records and the word of `--protocol`. Lower case. */
  readonly name: Name;
  /** Connections that it may be found on. */
  readonly transports: readonly Transport[];
  /** How it is recognized. */
  readonly inference: Inference;
  /** Bytes to capture per system call. Core uses the largest that any active plugin asks for, at most 131,072. Default 65,536. */
  readonly captureBytes?: number;
  /** How its requests find their responses. */
  readonly matching: Matching<Frame>;
  /** A request without response is reported as `unanswered` after this time. Default 30,000 ms. */
  readonly timeoutMs?: number;
  /**
   * What the names in this plugin's attributes mean, for those that are not in core's `attributeRegistry`: listed by
   * `libtrace plugins`, checked by the conformance suite. A key that ends in `<key>` stands for all names that begin so.
   */
  readonly attributes?: Readonly<Record<string, AttributeDefinition>>;
  /** Makes the parser of one connection; called when the protocol of the connection is settled. */
  createParser(connection: ConnectionInfo): FrameParser<Frame>;
  /** Undefined: the exchange is not worth a record (a handshake, a ping). */
  toRecord(exchange: Exchange<Frame>, connection: ConnectionInfo): ProtocolResult<A> | undefined;
}

/** Options that every plugin factory understands; `libtrace` passes them to the plugins it loads. */
export interface CommonPluginOptions {
  /** Show values that are left out or redacted by default (literals of statements, keys, bodies). Default: false. */
  readonly showValues?: boolean;
}

/** The default export of a protocol package. */
export type PluginFactory = (options?: CommonPluginOptions) => AnyPlugin;

/** A plugin of any protocol. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one place where plugins of every type meet
export type AnyProtocol = ProtocolPlugin<any, any, any>;

/** A plugin of any kind. */
export type AnyPlugin = AnyProtocol | UprobePlugin;

/**
 * Identity function that gives the author of a protocol type inference and errors at the right place.
 * @throws LibtraceError `ERR_PLUGIN_INVALID` from `createTracer`, not from here, when a field is wrong at run time.
 */
export function defineProtocol<const Name extends string, Frame, A extends object>(
  plugin: ProtocolPlugin<Name, Frame, A>,
): ProtocolPlugin<Name, Frame, A> {
  return plugin;
}
