// SPDX-License-Identifier: Apache-2.0

/** An unsigned integer at a constant offset of the first bytes of a message. */
export interface Field {
  /** Offset of its first byte. */
  readonly at: number;
  /** Bytes it takes. */
  readonly width: 1 | 2 | 4;
  /** Default `be`. */
  readonly order?: 'be' | 'le';
  /** Bits to keep, before `plus`. Default: all. */
  readonly mask?: number;
  /** Added to the value. Default 0. */
  readonly plus?: number;
}
/** The whole length of what the system call moved, not of the captured prefix. */
export interface Length {
  /** Says that this operand is the length. */
  readonly length: true;
  /** Added to the length; a negative number subtracts. Default 0. */
  readonly plus?: number;
}
/** A side of a comparison. */
export type Operand = number | Field | Length;

/** A condition on the first bytes of a message. Plain data: interpreted, printed, compared, and compiled for the kernel. */
export type Test =
  /** A comparison of unsigned integers. */
  | {
      readonly kind: 'cmp';
      /** `left op right`. */
      readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
      /** Left side. */
      readonly left: Operand;
      /** Right side. */
      readonly right: Operand;
    }
  /** A text at a constant offset. */
  | {
      readonly kind: 'bytes';
      /** Where the text begins. */
      readonly at: number;
      /** Latin-1 strings, any of which may stand there. */
      readonly anyOf: readonly string[];
      /** ASCII letters match in either case. Default false. */
      readonly ignoreCase?: boolean;
    }
  /** All of them hold, or any. Of none, `all` holds and `any` does not. */
  | { readonly kind: 'all' | 'any'; readonly of: readonly Test[] }
  /** It does not hold. */
  | { readonly kind: 'not'; readonly of: Test };

/** One rule: when it matches, the bytes are a message of this protocol, sent by whom `says` tells. */
export interface InferenceRule {
  /** Who sent the message that the rule matches; `either` when the bytes do not tell. */
  readonly says: 'request' | 'response' | 'either';
  /** What must hold. */
  readonly when: Test;
  /** `certain` settles the connection at once; `likely` needs `confirm` matches in a row. Default `certain`. */
  readonly strength?: 'certain' | 'likely';
}

/** How a protocol is recognized from the first bytes of its messages. */
export interface Inference {
  /** The first certain one that matches decides; without one, the first likely one. */
  readonly rules: readonly InferenceRule[];
  /** How many `likely` matches settle a connection. Default 2. */
  readonly confirm?: number;
  /** A hint that orders candidates. A port alone never decides. */
  readonly ports?: readonly number[];
  /**
   * For servers that read a header of fixed length first and the rest of the message by the next call: what a call
   * moved, when it was at most this many bytes, is put before what the next one moves, and rules see both. 1 to 16;
   * default: nothing is.
   */
  readonly carryHeaderBytes?: number;
}
