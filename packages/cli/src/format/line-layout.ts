// SPDX-License-Identifier: Apache-2.0

/** Which columns a line has and how wide they are. */
export interface LineLayout {
  readonly milliseconds: boolean;
  readonly protocol: boolean;
  readonly sizes: 'both' | 'response' | 'none';
  readonly processWidth: number;
  readonly peerWidth: number;
  readonly protocolWidth: number;
  /** Columns for what was asked; texts are cut to it only when `cut` is true. */
  readonly askedWidth: number;
  readonly cut: boolean;
}

export const resultWidth = 3;
export const durationWidth = 6;
/** `1.2K/3.4M+`: `+` says "at least". */
export const sizesWidth = 10;
export const responseSizeWidth = 5;

/** Behind the protocol of a connection whose plaintext was taken above TLS. */
export const tlsMark = '+tls';

const leastAsked = 20;

/** Not a terminal: the same columns always, nothing is cut. */
export const fixedLayout: LineLayout = {
  milliseconds: true,
  protocol: true,
  sizes: 'both',
  processWidth: 23,
  peerWidth: 21,
  protocolWidth: 5,
  askedWidth: 48,
  cut: false,
};

/** The same with room for {@link tlsMark}. */
export const fixedLayoutWithTls: LineLayout = {
  ...fixedLayout,
  protocolWidth: fixedLayout.protocolWidth + tlsMark.length,
};

/** Widths that columns may grow to on a terminal of so many columns. */
export function columnLimits(columns: number): { process: number; peer: number; protocol: number } {
  if (columns >= 140) return { process: 23, peer: 47, protocol: 12 };
  if (columns >= 100) return { process: 20, peer: 21, protocol: 10 };
  return { process: 15, peer: 16, protocol: 6 };
}

const narrowing: readonly Pick<LineLayout, 'milliseconds' | 'protocol' | 'sizes'>[] = [
  { milliseconds: true, protocol: true, sizes: 'both' },
  { milliseconds: true, protocol: true, sizes: 'response' },
  { milliseconds: true, protocol: false, sizes: 'response' },
  { milliseconds: false, protocol: false, sizes: 'response' },
  { milliseconds: false, protocol: false, sizes: 'none' },
];

/** The fullest layout that leaves room for what was asked; a narrow terminal loses the least telling columns first. */
export function chooseLayout(
  columns: number,
  processWidth: number,
  peerWidth: number,
  protocolWidth: number,
): LineLayout {
  const widths = { processWidth, peerWidth, protocolWidth };
  for (const choice of narrowing) {
    const askedWidth = columns - otherColumns(choice, widths);
    if (askedWidth >= leastAsked) {
      return { ...choice, ...widths, askedWidth, cut: true };
    }
  }
  const last = narrowing[narrowing.length - 1]!;
  const askedWidth = Math.max(8, columns - otherColumns(last, widths));
  return { ...last, ...widths, askedWidth, cut: true };
}

function otherColumns(
  choice: Pick<LineLayout, 'milliseconds' | 'protocol' | 'sizes'>,
  widths: Pick<LineLayout, 'processWidth' | 'peerWidth' | 'protocolWidth'>,
): number {
  const columns = [
    choice.milliseconds ? 12 : 8,
    widths.processWidth,
    1,
    widths.peerWidth,
    ...(choice.protocol ? [widths.protocolWidth] : []),
    resultWidth,
    durationWidth,
    ...(choice.sizes === 'both' ? [sizesWidth] : []),
    ...(choice.sizes === 'response' ? [responseSizeWidth] : []),
  ];
  return columns.reduce((sum, width) => sum + width + 1, 0);
}
