// SPDX-License-Identifier: Apache-2.0
import type { Fixture, Sender, Step } from '../fixture/fixture.js';
import { Random } from './random.js';
import type { Variation } from './variation.js';

/** Bytes of one system call, or of a part of one, on their way into the pipeline. */
export interface Piece {
  readonly from: Sender;
  /** Bytes that its sender moved before. */
  readonly at: number;
  readonly length: number;
  /** Captured bytes: `bytes[start … start + captured]`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly captured: number;
  /** Index of its step: pieces of a step share its time. */
  readonly step: number;
  /** Nothing of it reaches the pipeline, which learns of it by position. */
  readonly unseen: boolean;
}

/** The segments that a variation makes of a fixture, in order of time. */
export function segmentsOf(fixture: Fixture, variation: Variation): Piece[] {
  const random =
    typeof variation.chunks === 'object' ? new Random(variation.chunks.seed) : undefined;
  const sent = { client: 0, server: 0 };
  const pieces: Piece[] = [];
  const steps = variation.merge === true ? merged(fixture.steps) : fixture.steps;
  steps.forEach((step, index) => {
    const length = step.bytes.length + step.lost;
    const from = sent[step.from];
    sent[step.from] += length;
    const { start } = variation;
    if (start !== undefined && index < start.step) return;
    const skipped = start?.step === index ? Math.min(start.offset, length) : 0;
    const edges = edgesWithin(step, from, from + skipped, from + length, variation, random);
    for (let i = 0; i + 1 < edges.length; i++) {
      const piece = pieceOf(step, index, from, edges[i]!, edges[i + 1]!, variation);
      const last = pieces[pieces.length - 1];
      // A call whose end was not captured is one segment with a hole at its end.
      if (
        i > 0 &&
        variation.hole?.how === 'limit' &&
        piece.captured === 0 &&
        last !== undefined &&
        last.captured > 0
      ) {
        pieces[pieces.length - 1] = { ...last, length: last.length + piece.length };
      } else {
        pieces.push(piece);
      }
    }
  });
  return pieces;
}

function pieceOf(
  step: Step,
  index: number,
  stepFrom: number,
  from: number,
  to: number,
  variation: Variation,
): Piece {
  const { hole } = variation;
  const hidden =
    hole !== undefined &&
    hole.from === step.from &&
    from >= hole.at &&
    from < hole.at + hole.length;
  const start = from - stepFrom;
  const captured = hidden ? 0 : Math.max(0, Math.min(to - stepFrom, step.bytes.length) - start);
  return {
    from: step.from,
    at: from,
    length: to - from,
    bytes: step.bytes,
    start: Math.min(start, step.bytes.length),
    captured,
    step: index,
    unseen: hidden && hole.how === 'loss',
  };
}

/** Where segments begin and end in a step, both ends of it included. */
function edgesWithin(
  step: Step,
  stepFrom: number,
  from: number,
  to: number,
  variation: Variation,
  random: Random | undefined,
): number[] {
  if (from >= to) return [];
  const edges = [from, to];
  const add = (at: number): void => {
    if (at > from && at < to) edges.push(at);
  };
  for (const cut of variation.cuts ?? []) {
    if (cut.from === step.from) add(cut.at);
  }
  const { hole } = variation;
  if (hole?.from === step.from) {
    add(hole.at);
    add(hole.at + hole.length);
  }
  if (variation.chunks === 'bytes') {
    const captured = stepFrom + step.bytes.length;
    for (let at = from + 1; at <= captured; at++) add(at);
  } else if (random !== undefined && typeof variation.chunks === 'object') {
    const { most } = variation.chunks;
    for (let at = from + random.between(1, most); at < to; at += random.between(1, most)) add(at);
  }
  if (edges.length === 2) return edges;
  return [...new Set(edges)].sort((one, other) => one - other);
}

function merged(steps: readonly Step[]): Step[] {
  const together: Step[] = [];
  for (const step of steps) {
    const last = together[together.length - 1];
    if (last?.from === step.from && last.lost === 0) {
      const bytes = Buffer.concat([last.bytes, step.bytes]);
      together[together.length - 1] = { ...step, bytes };
    } else {
      together.push(step);
    }
  }
  return together;
}
