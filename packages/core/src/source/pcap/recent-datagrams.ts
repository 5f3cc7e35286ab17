// SPDX-License-Identifier: Apache-2.0

/** Copies of a datagram on other interfaces follow within this time. */
const copyNs = 10e6;
/** Datagrams remembered per conversation, and bytes of each. */
const maxRemembered = 8;
const comparedBytes = 128;
const maxInterfaces = 16;

interface Datagram {
  readonly from: 0 | 1;
  readonly identification: number;
  readonly length: number;
  readonly head: Buffer;
  readonly timeNs: number;
  readonly seenOn: string[];
}

/**
 * Recognizes datagrams that were captured more than once, on their way through several interfaces of a machine. Two
 * equal datagrams of a program are told apart from copies by their IP identification and interface: a copy has the
 * identification of the first and was seen elsewhere.
 */
export class RecentDatagrams {
  readonly #recent: Datagram[] = [];

  /** Whether a datagram is a copy of one that was seen; remembers it. */
  repeats(
    from: 0 | 1,
    identification: number,
    payload: Buffer,
    length: number,
    timeNs: number,
    seenOn: string,
  ): boolean {
    const recent = this.#recent;
    while (recent.length > 0 && Math.abs(timeNs - recent[0]!.timeNs) > copyNs) recent.shift();
    const head = payload.subarray(0, comparedBytes);
    for (const each of recent) {
      const isAlike =
        each.from === from &&
        each.identification === identification &&
        each.length === length &&
        isPrefix(each.head, head);
      if (!isAlike) continue;
      // 0: the sender does not number its datagrams.
      const isSeenThere = each.seenOn.includes(seenOn);
      if (isSeenThere && identification === 0) continue;
      if (!isSeenThere && each.seenOn.length < maxInterfaces) each.seenOn.push(seenOn);
      return true;
    }
    if (recent.length === maxRemembered) recent.shift();
    const copy = Buffer.from(head);
    recent.push({ from, identification, length, head: copy, timeNs, seenOn: [seenOn] });
    return false;
  }
}

/** One may have been cut shorter than the other. */
function isPrefix(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length);
  return one.compare(other, 0, length, 0, length) === 0;
}
