// SPDX-License-Identifier: Apache-2.0
import type { Missing } from '@libtrace/core';
import { paint } from './colors.js';
import type { Colors } from './colors.js';
import { formatPeer, truncateEndpoint } from './endpoint.js';
import {
  chooseLayout,
  columnLimits,
  durationWidth,
  fixedLayout,
  protocolWidth,
  responseSizeWidth,
  resultWidth,
  sizesWidth,
} from './line-layout.js';
import type { LineLayout } from './line-layout.js';
import { localMilliseconds, localSeconds } from './local-clock.js';
import { describeMissing, describeRequest, describeResult, roleArrow } from './record-parts.js';
import type { AnyRecord, Toned } from './record-parts.js';
import { displayWidth, escapeText, padLeft, padRight, truncate } from './terminal-text.js';
import { formatBytes, formatDuration } from './units.js';

/** Writes records as aligned lines for people. */
export class PrettyFormatter {
  readonly #colors: Colors;
  readonly #columns: () => number | undefined;
  #processWidth = 12;
  #peerWidth = 15;
  #layout: LineLayout = fixedLayout;
  #layoutColumns: number | undefined;

  /** `columns` is asked for every line, since a terminal can be resized; undefined when the output is not a terminal. */
  constructor(colors: Colors, columns: () => number | undefined) {
    this.#colors = colors;
    this.#columns = columns;
  }

  /** One line that names the columns. */
  header(): string {
    const layout = this.#layoutFor(0, 0);
    const cells = [
      padRight('TIME', layout.milliseconds ? 12 : 8),
      padRight('PROCESS', layout.processWidth),
      ' ',
      padRight('PEER', layout.peerWidth),
      ...(layout.protocol ? [padRight('PROTO', protocolWidth)] : []),
      padRight('REQUEST', layout.askedWidth),
      padLeft('ST', resultWidth),
      padLeft('TOOK', durationWidth),
      ...(layout.sizes === 'both' ? [' REQ/RES'] : []),
      ...(layout.sizes === 'response' ? [padLeft('SIZE', 4)] : []),
    ];
    return `${this.#colors.dim(cells.join(' ').trimEnd())}\n`;
  }

  /** One line, with its line end. */
  line(record: AnyRecord): string {
    const colors = this.#colors;
    const peer = formatPeer(record);
    const name = escapeText(record.process.comm === '' ? '?' : record.process.comm);
    const pid = `/${record.process.pid}`;
    const layout = this.#layoutFor(displayWidth(name) + pid.length, displayWidth(peer));
    const result = describeResult(record);
    const mark = markFor(record, layout);
    const arrow = roleArrow(record.role);
    const cells = [
      colors.dim(
        layout.milliseconds ? localMilliseconds(record.startTime) : localSeconds(record.startTime),
      ),
      processCell(name, pid, layout, colors),
      record.role === 'server' ? colors.magenta(arrow) : colors.blue(arrow),
      padRight(layout.cut ? truncateEndpoint(peer, layout.peerWidth) : peer, layout.peerWidth),
      ...(layout.protocol ? [padRight(escapeText(record.protocol), protocolWidth)] : []),
      askedCell(describeRequest(record), mark === undefined ? 0 : displayWidth(mark.text), layout),
      paint(colors, result.tone, padLeft(result.text, resultWidth)),
      padLeft(formatDuration(record.durationMs), durationWidth),
      ...sizeCells(record, layout, mark !== undefined),
    ];
    if (mark !== undefined) cells.push(paint(colors, mark.tone, mark.text));
    return `${cells.join(' ').trimEnd()}\n`;
  }

  #layoutFor(processWidth: number, peerWidth: number): LineLayout {
    const columns = this.#columns();
    if (columns === undefined) return fixedLayout;
    const limits = columnLimits(columns);
    const wantedProcess = Math.min(limits.process, Math.max(this.#processWidth, processWidth));
    const wantedPeer = Math.min(limits.peer, Math.max(this.#peerWidth, peerWidth));
    if (
      columns !== this.#layoutColumns ||
      wantedProcess !== this.#processWidth ||
      wantedPeer !== this.#peerWidth
    ) {
      this.#processWidth = wantedProcess;
      this.#peerWidth = wantedPeer;
      this.#layoutColumns = columns;
      this.#layout = chooseLayout(columns, wantedProcess, wantedPeer);
    }
    return this.#layout;
  }
}

function processCell(name: string, pid: string, layout: LineLayout, colors: Colors): string {
  const shown = layout.cut ? truncate(name, Math.max(1, layout.processWidth - pid.length)) : name;
  const padding = padRight('', layout.processWidth - displayWidth(shown) - pid.length);
  return `${colors.bold(shown)}${colors.dim(pid)}${padding}`;
}

/** The mark of an incomplete record, cut so that ten columns are left for what was asked. */
function markFor(record: AnyRecord, layout: LineLayout): Toned | undefined {
  const mark = describeMissing(record, layout.cut && layout.askedWidth < 40);
  if (mark === undefined || !layout.cut) return mark;
  return { ...mark, text: truncate(mark.text, Math.max(1, layout.askedWidth - 11)) };
}

/** On a terminal the mark of an incomplete record takes its room from what was asked. */
function askedCell(asked: string, markWidth: number, layout: LineLayout): string {
  if (!layout.cut) return padRight(asked, layout.askedWidth);
  const taken = markWidth === 0 ? 0 : markWidth + 1;
  const room = Math.max(Math.min(layout.askedWidth, 10), layout.askedWidth - taken);
  return padRight(truncate(asked, room), room);
}

function sizeCells(record: AnyRecord, layout: LineLayout, padded: boolean): string[] {
  if (layout.sizes === 'none') return [];
  const response = sizeOf(record.responseBytes, record.missing, 'response.size');
  if (layout.sizes === 'response') {
    const cell = padLeft(response, 4);
    return [padded ? padRight(cell, responseSizeWidth) : cell];
  }
  const request = sizeOf(record.requestBytes, record.missing, 'request.size');
  return [padRight(`${padLeft(request, 4)}/${response}`, padded ? sizesWidth : 0)];
}

function sizeOf(bytes: number, missing: readonly Missing[], lowerBound: Missing): string {
  return missing.includes(lowerBound) ? `${formatBytes(bytes)}+` : formatBytes(bytes);
}
