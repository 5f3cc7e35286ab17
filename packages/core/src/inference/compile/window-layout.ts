// SPDX-License-Identifier: Apache-2.0
import type { Transport } from '../../plugin/index.js';

/** Where the members of struct inference_window lie, and its constants: bpf/socket_tracer_api.bpf.h. */
export interface WindowLayout {
  readonly lengthAt: number;
  readonly availableAt: number;
  readonly localPortAt: number;
  readonly remotePortAt: number;
  readonly sideAt: number;
  readonly transportAt: number;
  readonly answerAt: number;
  readonly suspectAt: number;
  readonly dataAt: number;
  /** Numbers of the sides in the window. */
  readonly sides: { readonly request: number; readonly response: number };
  /** Numbers of the transports; a window has the bit of its transport. */
  readonly transports: Readonly<Record<Transport, number>>;
  /** Answer for a TLS record. */
  readonly tlsAnswer: number;
}
