// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ConnectionInfo, Side, Transport } from '../plugin/index.js';
import { candidatesFor, matchAll, type Inferable, type Match } from './candidates.js';
import { tlsRecord } from './foreign.js';
import { evaluate } from './interpret.js';

/** What the rules are shown of a call: bpf/socket_tracer_api.bpf.h, struct inference_window. */
export interface InferenceWindow {
  /** The first bytes of what may be a message. Rules look at the first {@link maxInferenceBytes} of them. */
  readonly view: ByteView;
  /** Bytes that moved, of which `view` holds a prefix. */
  readonly length: number;
  /** Which half of an exchange they are, when the role is known. */
  readonly side: Side | undefined;
}

/** What the rules of all plugins say of a window. */
export type WindowAnswer<P extends Inferable> =
  /** A TLS record, whatever the plugins say. */
  | { readonly kind: 'tls' }
  | { readonly kind: 'certain'; readonly match: Match<P> }
  | {
      readonly kind: 'open';
      /** One a plugin. */
      readonly likely: readonly Match<P>[];
      /** Some rule needs more bytes. */
      readonly short: boolean;
    };

/** What of a connection decides which plugins are asked, and in which order. */
export type InferenceEnds = Pick<ConnectionInfo, 'transport' | 'local' | 'remote'>;

/**
 * What some bytes are, by the rules of the active plugins: the specification of the programs that the same rules are
 * compiled to. TLS comes first. Then plugins are asked in their order, those first that name a port of the connection;
 * the first `certain` rule that matches decides. A rule that needs bytes that are not there does not match.
 */
export function inferWindow<P extends Inferable>(
  plugins: readonly P[],
  ends: InferenceEnds,
  window: InferenceWindow,
): WindowAnswer<P> {
  return inferFrom(candidatesFor(plugins, ends), ends.transport, window);
}

/** The same, of plugins that {@link candidatesFor} has chosen and put in order. */
export function inferFrom<P extends Inferable>(
  candidates: readonly P[],
  transport: Transport,
  { view, length, side }: InferenceWindow,
): WindowAnswer<P> {
  if (isStream(transport) && evaluate(tlsRecord, view, length) === true) return { kind: 'tls' };
  const { matches, short } = matchAll(candidates, view, length, side);
  const [first] = matches;
  if (first?.strength === 'certain') return { kind: 'certain', match: first };
  return { kind: 'open', likely: matches, short };
}

/** Transports that TLS may run over. In a plaintext of TLS, a record of it is something else. */
export function isStream(transport: Transport): boolean {
  return transport === 'tcp' || transport === 'unix';
}
