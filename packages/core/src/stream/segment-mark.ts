// SPDX-License-Identifier: Apache-2.0
import type { ProcessIdentity, Segment } from '../plugin/index.js';

const nobody: ProcessIdentity = { pid: 0, ppid: 0, comm: '', exe: '', cgroup: '' };

/** What must be remembered of a segment while bytes of it wait for the rest of their message. */
export class SegmentMark {
  /** Stream position of its first byte that no segment before it carried. */
  position = 0;
  /** Stream position behind its last byte. */
  end = 0;
  startNs = 0;
  endNs = 0;
  /** Bytes moved in the opposite direction when it was captured; -1 when not known. */
  opposite = -1;
  tid = 0;
  process: ProcessIdentity = nobody;

  /** @param from position of its first byte that no segment before it carried. */
  set(segment: Segment, from: number): void {
    this.position = from;
    this.end = segment.position + segment.length;
    this.startNs = segment.startNs;
    this.endNs = segment.endNs;
    this.opposite = segment.oppositePosition;
    this.tid = segment.tid;
    this.process = segment.process;
  }

  copy(): SegmentMark {
    const copy = new SegmentMark();
    copy.position = this.position;
    copy.end = this.end;
    copy.startNs = this.startNs;
    copy.endNs = this.endNs;
    copy.opposite = this.opposite;
    copy.tid = this.tid;
    copy.process = this.process;
    return copy;
  }
}

/** Marks kept per direction; a message split over more segments loses the middle ones. */
const maxMarks = 32;

/** The segments whose bytes wait in a buffer, oldest first. Bounded: what was forgotten is answered with `opposite` -1. */
export class SegmentMarks {
  #marks: SegmentMark[] = [];

  add(current: SegmentMark): void {
    const marks = this.#marks;
    if (marks.length > 0 && marks[marks.length - 1]!.position === current.position) return;
    if (marks.length === maxMarks) marks.splice(1, 1);
    marks.push(current.copy());
  }

  /** Forgets the segments that end at or before a position. */
  dropBefore(position: number): void {
    while (this.#marks.length > 0 && this.#marks[0]!.end <= position) this.#marks.shift();
  }

  clear(): void {
    if (this.#marks.length > 0) this.#marks = [];
  }

  /** The segment that carried the byte at a position, or the nearest older one without its `opposite`. */
  at(position: number): SegmentMark | undefined {
    for (let i = this.#marks.length - 1; i >= 0; i--) {
      const mark = this.#marks[i]!;
      if (mark.position > position) continue;
      if (position < mark.end) return mark;
      const vague = mark.copy();
      vague.opposite = -1;
      return vague;
    }
    return undefined;
  }
}
