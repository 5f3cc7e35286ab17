// SPDX-License-Identifier: Apache-2.0
import type { Message } from '@libtrace/core/plugin';
import type { HttpFrame } from '../frames.js';
import type { GrpcBody } from '../grpc/grpc-body.js';
import type { DataFrame, HeadersFrame, StreamEnd } from './frames.js';
import type { HeaderList } from './header-list.js';

/** One message of a stream, as far as its frames have moved. */
export class StreamMessage {
  /** Of its first frame; undefined when no frame was seen. */
  first: Message<HttpFrame> | undefined;
  endNs = 0;
  bytes = 0;
  holeBytes = 0;
  bodyBytes = 0;
  head: HeaderList | undefined;
  trailers: HeaderList | undefined;
  grpc: GrpcBody | undefined;
  /** END_STREAM was seen. */
  ended = false;
  /** Its last frame broke off with the connection. */
  truncated = false;
  /** Frames of it may have been missed. */
  lost = false;

  /** Adds what every frame has. */
  add(message: Message<HttpFrame>): void {
    this.first ??= message;
    this.endNs = Math.max(this.endNs, message.endNs);
    this.bytes += message.bytes;
    this.holeBytes += message.holeBytes;
    this.truncated = message.truncated;
  }

  /** A head, or the trailers behind one. */
  addHeaders(message: Message<HttpFrame>, { list, endStream, grpc }: HeadersFrame): void {
    this.add(message);
    if (this.#isHead(list, endStream)) {
      this.head = list;
      this.grpc = grpc;
    } else {
      this.trailers = list;
      this.#missesHead();
    }
    if (endStream) this.ended = !message.truncated;
  }

  addData(message: Message<HttpFrame>, frame: DataFrame): void {
    this.add(message);
    const unsent = frame.frameBytes - message.bytes;
    this.bodyBytes += Math.max(0, frame.bodyBytes - Math.max(0, unsent));
    if (frame.lost) this.lost = true;
    this.#missesHead();
    if (frame.endStream) this.ended = !message.truncated;
  }

  /** A body without a head began before the connection was joined, or in a hole: nobody knows how much of it. */
  #missesHead(): void {
    if (this.head === undefined) this.lost = true;
  }

  /**
   * Only a head has `:method` or `:status`, and only trailers end a stream that has one. A head whose `:status` is not
   * known may turn out to have been an interim one.
   */
  #isHead(list: HeaderList, endStream: boolean): boolean {
    if (list.method !== undefined || list.status !== undefined) return true;
    if (this.head !== undefined) return !endStream;
    return (
      !endStream || (this.bodyBytes === 0 && list.unknown > 0 && list.grpcStatus === undefined)
    );
  }

  /** The message as records see it. */
  toMessage(stream: Stream, truncated: boolean): Message<HttpFrame> | undefined {
    if (this.first === undefined) return undefined;
    return {
      ...this.first,
      frame: {
        kind: 'stream',
        streamId: stream.id,
        head: this.head,
        trailers: this.trailers,
        bodyBytes: this.bodyBytes,
        grpc: this.grpc,
        lost: this.lost,
        pushed: stream.pushed,
        end: stream.end,
      },
      endNs: this.endNs,
      bytes: this.bytes,
      holeBytes: this.holeBytes,
      truncated,
    };
  }
}

/** A stream of an HTTP/2 connection (RFC 9113 §5.1): a request and its response. */
export class Stream {
  readonly id: number;
  readonly request = new StreamMessage();
  readonly response = new StreamMessage();
  /** Promised by the server. */
  pushed = false;
  /** Of the fields that are kept of its heads and trailers. */
  headBytes = 0;
  end: StreamEnd = {};
  /** A RST_STREAM was seen. */
  isReset = false;
  /** The request of HTTP/1.1 that asked for HTTP/2; undefined on all streams but the first. */
  upgrade: Message<HttpFrame> | undefined;

  constructor(id: number) {
    this.id = id;
  }

  /** CLOCK_MONOTONIC ns at which its last frame ended. */
  get lastNs(): number {
    return Math.max(this.request.endNs, this.response.endNs);
  }

  get requestEnded(): boolean {
    return this.upgrade !== undefined || this.request.ended;
  }

  get isComplete(): boolean {
    return this.requestEnded && this.response.ended;
  }

  /** The request as records see it. */
  requestMessage(truncated: boolean): Message<HttpFrame> | undefined {
    return this.upgrade ?? this.request.toMessage(this, truncated);
  }
}
