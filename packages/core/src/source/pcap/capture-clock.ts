// SPDX-License-Identifier: Apache-2.0

const billion = 1_000_000_000n;
/** 9999-12-31T23:59:59Z: later times cannot be written as RFC 3339. */
const lastUnixNs = 253_402_300_799n * billion;

/**
 * The time line of a file: nanoseconds since its first packet, because a number cannot hold nanoseconds since 1970
 * exactly. All interfaces and sections of a file share it.
 */
export class CaptureClock {
  /** Unix time of 0, nanoseconds; undefined before the first packet with a time. */
  originNs: bigint | undefined;
  /** Packets whose time cannot be: they were given that of the packet before. */
  invalidTimes = 0;
  #lastNs = 0;
  #earliestNs = 0;
  #latestNs = 0;

  /** Time of the last packet. */
  get lastNs(): number {
    return this.#lastNs;
  }

  /** Where a Unix time lies; undefined when it is out of range. */
  place(unixNs: bigint): number | undefined {
    if (unixNs < 0n || unixNs > lastUnixNs) return undefined;
    if (this.originNs === undefined) {
      this.originNs = unixNs;
      this.#earliestNs = -Number(unixNs);
      this.#latestNs = Number(lastUnixNs - unixNs);
    }
    return Number(unixNs - this.originNs);
  }

  /** The time of the next packet. */
  accept(timeNs: number | undefined): number {
    if (timeNs !== undefined && timeNs >= this.#earliestNs && timeNs <= this.#latestNs) {
      return (this.#lastNs = timeNs);
    }
    this.invalidTimes++;
    return this.#lastNs;
  }
}

/** Time stamps of one interface. They come as two 32-bit halves whose units are those of the format. */
export class Timestamps {
  readonly #clock: CaptureClock;
  readonly #toUnixNs: (high: number, low: number) => bigint;
  readonly #highNs: number;
  readonly #lowNs: number;
  #firstHigh = 0;
  #firstLow = 0;
  #firstNs: number | undefined;

  /** @param highNs unit of the upper half, nanoseconds. @param lowNs unit of the lower half. */
  private constructor(
    clock: CaptureClock,
    highNs: number,
    lowNs: number,
    toUnixNs: (high: number, low: number) => bigint,
  ) {
    this.#clock = clock;
    this.#highNs = highNs;
    this.#lowNs = lowNs;
    this.#toUnixNs = toUnixNs;
  }

  /** Of pcap files: seconds, and a fraction in units of `fractionNs`. */
  static secondsAndFraction(clock: CaptureClock, fractionNs: 1 | 1000): Timestamps {
    return new Timestamps(
      clock,
      1e9,
      fractionNs,
      (high, low) => BigInt(high) * billion + BigInt(low) * BigInt(fractionNs),
    );
  }

  /**
   * Of pcapng files: 64 bits of units since 1970.
   * @param resolution if_tsresol: a negative power of 10, or of 2 when the highest bit is set.
   * @param offsetSeconds if_tsoffset: to be added.
   */
  static units(clock: CaptureClock, resolution: number, offsetSeconds: bigint): Timestamps {
    const base = resolution & 0x80 ? 2 : 10;
    const exponent = resolution & 0x7f;
    const perSecond = BigInt(base) ** BigInt(exponent);
    const unitNs = 1e9 / base ** exponent;
    return new Timestamps(clock, 2 ** 32 * unitNs, unitNs, (high, low) => {
      const units = (BigInt(high) << 32n) | BigInt(low);
      return offsetSeconds * billion + (units * billion) / perSecond;
    });
  }

  /** Nanoseconds since the first packet of the file. */
  read(high: number, low: number): number {
    if (this.#firstNs === undefined) {
      this.#firstNs = this.#clock.place(this.#toUnixNs(high, low));
      this.#firstHigh = high;
      this.#firstLow = low;
      return this.#clock.accept(this.#firstNs);
    }
    const sinceFirst =
      (high - this.#firstHigh) * this.#highNs + (low - this.#firstLow) * this.#lowNs;
    return this.#clock.accept(Math.round(this.#firstNs + sinceFirst));
  }
}
