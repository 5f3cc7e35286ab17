// SPDX-License-Identifier: Apache-2.0
import { TimedMessage } from '../match/index.js';
import { SegmentMark } from './segment-mark.js';

/** The message that one direction is in: begun with its first byte, finished with its last. Reused for each. */
export class MessageInProgress {
  /** `part`s of it were seen, or its frame is held. */
  open = false;
  /** Stream position of its first byte. */
  start = 0;
  /** Bytes of it that lay in holes so far. */
  holeBytes = 0;
  /** Its frame is known and its last bytes have not moved yet. */
  held = false;
  #frame: unknown = undefined;
  #startNs = 0;
  #opposite = -1;
  #tid = 0;
  #process = new SegmentMark().process;

  /** It begins at a position, with the segment that carried it. */
  begin(position: number, mark: SegmentMark): void {
    this.open = true;
    this.start = position;
    this.holeBytes = 0;
    this.#startNs = mark.startNs;
    this.#opposite = mark.opposite;
    this.#tid = mark.tid;
    this.#process = mark.process;
  }

  /** Keeps its frame until its last byte has moved. */
  hold(frame: unknown): void {
    this.held = true;
    this.#frame = frame;
  }

  /** It ends before a position; the frame is the held one unless another is given. */
  finish(end: number, mark: SegmentMark, truncated: boolean, frame = this.#frame): TimedMessage {
    this.forget();
    return new TimedMessage(
      frame,
      this.#startNs,
      mark.endNs,
      this.start,
      end,
      this.holeBytes,
      truncated,
      this.#opposite,
      this.#process,
      this.#tid,
    );
  }

  forget(): void {
    this.open = false;
    this.held = false;
    this.#frame = undefined;
  }
}
