// SPDX-License-Identifier: Apache-2.0
// A picture of a terminal's output, as SVG, from the output itself with its colours:
// `node scripts/docs/terminal-picture.mjs docs/demo.ansi docs/demo.svg "Output of libtrace"`.
import { readFileSync, writeFileSync } from 'node:fs';
import { isMain } from './generated-file.mjs';

const characterWidth = 7.83;
const lineHeight = 18;
const margin = 16;
const text = '#c0caf5';
const dim = '#565f89';
/** Foreground colours of ECMA-48 select graphic rendition. */
const colors = new Map([
  [31, '#f7768e'],
  [32, '#9ece6a'],
  [33, '#e0af68'],
  [34, '#7aa2f7'],
  [35, '#bb9af7'],
  [36, '#7dcfff'],
]);
const family = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/**
 * @param {string} output what a program printed, with select graphic rendition sequences
 * @param {string} label what the picture shows, for those who do not see it
 */
export function terminalPicture(output, label) {
  const lines = output.replaceAll('\r', '').trimEnd().split('\n').map(spansOf);
  const columns = Math.max(
    ...lines.map((spans) => spans.reduce((sum, { value }) => sum + value.length, 0)),
  );
  const width = Math.ceil(2 * margin + columns * characterWidth);
  const rows = lines.map((spans, row) => {
    let column = 0;
    const parts = spans.map(({ value, color, bold }) => {
      const x = (margin + column * characterWidth).toFixed(1);
      column += value.length;
      if (value.trim() === '') return '';
      const weight = bold ? ' font-weight="700"' : '';
      const length = (value.length * characterWidth).toFixed(1);
      return `<tspan x="${x}" fill="${color}"${weight} textLength="${length}">${escaped(value)}</tspan>`;
    });
    return `<text y="${30 + row * lineHeight}">${parts.join('')}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${30 + lines.length * lineHeight}" role="img" aria-label="${escaped(label)}"><rect width="100%" height="100%" rx="8" fill="#1a1b26"/><g font-family="${family}" font-size="13">${rows.join('\n')}</g></svg>\n`;
}

/** The parts of a line with their looks. @param {string} line */
function spansOf(line) {
  let looks = { color: text, dim: false, bold: false };
  return line.split(/(\u001b\[[0-9;]*m)/).flatMap((part) => {
    const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
    if (codes !== undefined) {
      for (const code of codes.split(';').map(Number)) looks = changed(looks, code);
      return [];
    }
    return part === ''
      ? []
      : [{ value: part, color: looks.dim ? dim : looks.color, bold: looks.bold }];
  });
}

function changed(looks, code) {
  if (code === 0) return { color: text, dim: false, bold: false };
  if (code === 1) return { ...looks, bold: true };
  if (code === 2) return { ...looks, dim: true };
  if (code === 22) return { ...looks, bold: false, dim: false };
  return { ...looks, color: colors.get(code) ?? text };
}

/** @param {string} value */
function escaped(value) {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll(' ', '\u00a0');
}

if (isMain(import.meta.url)) {
  const [from, to, label] = process.argv.slice(2);
  writeFileSync(to, terminalPicture(readFileSync(from, 'utf8'), label));
}
