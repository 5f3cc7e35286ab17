// SPDX-License-Identifier: Apache-2.0
// A window as the kernel side sees it, and the answer of the specification about it.
import { ByteView } from '../../plugin/index.js';
import type { Inferable } from '../candidates.js';
import { inferWindow } from '../window.js';
import type { NumberedPlugin } from './compile-rules.js';
import type { WindowCase } from './random-rules.test-support.js';
import type { WindowLayout } from './window-layout.js';

/** CARRY_MAX and WINDOW_BYTES of bpf/socket_tracer_api.bpf.h. */
const DATA_BYTES = 256 + 16;

/** The answer that the programs write into the window. */
export interface Answer {
  readonly answer: number;
  /** Only of meaning without an answer: a certain match outweighs it. */
  readonly suspect: boolean;
}

/** The bytes of struct inference_window. */
export function encodeWindow(
  { bytes, behind, length, side, transport, localPort, remotePort }: WindowCase,
  layout: WindowLayout,
): Buffer {
  const window = Buffer.alloc(layout.dataAt + DATA_BYTES);
  window.writeUInt32LE(length, layout.lengthAt);
  window.writeUInt32LE(Math.min(bytes.length, DATA_BYTES), layout.availableAt);
  window.writeUInt16LE(localPort, layout.localPortAt);
  window.writeUInt16LE(remotePort, layout.remotePortAt);
  window[layout.sideAt] = side === undefined ? 0 : layout.sides[side];
  window[layout.transportAt] = 1 << layout.transports[transport];
  // What was left there before.
  window[layout.answerAt] = 77;
  window[layout.suspectAt] = 7;
  Buffer.concat([bytes, behind]).copy(window, layout.dataAt, 0, DATA_BYTES);
  return window;
}

export function answerIn(window: Buffer, layout: WindowLayout): Answer {
  const answer = window[layout.answerAt]!;
  return { answer, suspect: answer === 0 && window[layout.suspectAt] !== 0 };
}

const view = new ByteView();

/** What {@link inferWindow} says, in the words of the programs. */
export function specifiedAnswer(
  plugins: readonly NumberedPlugin[],
  { bytes, behind, length, side, transport, localPort, remotePort }: WindowCase,
  layout: WindowLayout,
): Answer {
  // As in a slab: what lies around the bytes belongs to others.
  const slab = Buffer.concat([Buffer.from('GET /'), bytes, behind]);
  view.reset(slab, 5, bytes.length, 0, false, 0);
  const said = inferWindow<Inferable>(
    plugins.map(({ plugin }) => plugin),
    {
      transport,
      local: { address: '', port: localPort },
      remote: { address: '', port: remotePort },
    },
    { view, length, side },
  );
  if (said.kind === 'tls') return { answer: layout.tlsAnswer, suspect: false };
  if (said.kind === 'open') return { answer: 0, suspect: said.likely.length > 0 };
  const { number } = plugins.find(({ plugin }) => plugin === said.match.plugin)!;
  return { answer: number, suspect: false };
}
