// SPDX-License-Identifier: Apache-2.0

/** An unsigned integer at a constant offset of the first bytes of a message. */
export interface Field {
  readonly at: number;
  readonly width: 1 | 2 | 4;
  /** Default `be`. */
  readonly order?: 'be' | 'le';
  readonly mask?: number;
  readonly plus?: number;
}
/** The whole length of what the system call moved, not of the captured prefix. */
export interface Length {
  readonly length: true;
  readonly plus?: number;
}
/** A side of a comparison. */
export type Operand = number | Field | Length;

/** A condition on the first bytes of a message. Plain data: interpreted, printed, compared, and compiled for the kernel. */
export type Test =
  | {
      readonly kind: 'cmp';
      readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly kind: 'bytes';
      readonly at: number;
      /** Latin-1 strings, any of which may stand there. */
      readonly anyOf: readonly string[];
      readonly ignoreCase?: boolean;
    }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Test[] }
  | { readonly kind: 'not'; readonly of: Test };

/** One rule: when it matches, the bytes are a message of this protocol, sent by whom `says` tells. */
export interface InferenceRule {
  readonly says: 'request' | 'response' | 'either';
  readonly when: Test;
  /** `certain` settles the connection at once; `likely` needs `confirm` matches in a row. Default `certain`. */
  readonly strength?: 'certain' | 'likely';
}

/** How a protocol is recognized from the first bytes of its messages. */
export interface Inference {
  readonly rules: readonly InferenceRule[];
  /** How many `likely` matches settle a connection. Default 2. */
  readonly confirm?: number;
  /** A hint that orders candidates. A port alone never decides. */
  readonly ports?: readonly number[];
}
