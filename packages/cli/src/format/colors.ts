// SPDX-License-Identifier: Apache-2.0
import picocolors from 'picocolors';
import type { Tone } from './record-parts.js';

/** Functions that wrap a text in colour, or return it as it is when colour is off. */
export type Colors = ReturnType<typeof picocolors.createColors>;

export function createColors(enabled: boolean): Colors {
  return picocolors.createColors(enabled);
}

/** Colour on a terminal, unless `--no-color`, NO_COLOR (any value) or TERM=dumb say no; FORCE_COLOR says yes elsewhere. */
export function wantsColor(
  isTerminal: boolean,
  option: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (!option || (env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

export function paint(colors: Colors, tone: Tone, text: string): string {
  switch (tone) {
    case 'good':
      return colors.green(text);
    case 'notice':
      return colors.cyan(text);
    case 'warning':
      return colors.yellow(text);
    case 'bad':
      return colors.red(text);
    case 'dim':
      return colors.dim(text);
    case 'plain':
      return text;
  }
}
