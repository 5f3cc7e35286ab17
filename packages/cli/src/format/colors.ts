// SPDX-License-Identifier: Apache-2.0
import type { Tone } from './record-parts.js';

/** Wraps a text in control sequences. @inline */
type Paint = (text: string) => string;

/**
 * Functions that wrap a text in colour, or return it as it is when colour is off. Own ones, because the usual packages
 * look at `process.stdout` when they are imported, and that makes a pipe non-blocking for everybody who shares it.
 */
export interface Colors {
  /** Bold. */
  readonly bold: Paint;
  /** Dim. */
  readonly dim: Paint;
  /** Red. */
  readonly red: Paint;
  /** Green. */
  readonly green: Paint;
  /** Yellow. */
  readonly yellow: Paint;
  /** Blue. */
  readonly blue: Paint;
  /** Magenta. */
  readonly magenta: Paint;
  /** Cyan. */
  readonly cyan: Paint;
}

/** Makes colour functions (ECMA-48 select graphic rendition). */
export function createColors(enabled: boolean): Colors {
  const style = (on: number, off: number): Paint =>
    enabled ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    blue: style(34, 39),
    magenta: style(35, 39),
    cyan: style(36, 39),
  };
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

/** Colours a text by its tone. */
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
