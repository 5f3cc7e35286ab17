// SPDX-License-Identifier: Apache-2.0
import type { Missing } from '@libtrace/core';
import { describeCall } from './call-text.js';
import type { CallText } from './call-text.js';
import { paint } from './colors.js';
import type { Colors } from './colors.js';
import { formatEndpoint, formatPeer, truncateEndpoint } from './endpoint.js';
import {
  chooseLayout,
  columnLimits,
  durationWidth,
  fixedLayout,
  fixedLayoutWithTls,
  responseSizeWidth,
  resultWidth,
  sizesWidth,
  tlsMark,
} from './line-layout.js';
import type { LineLayout } from './line-layout.js';
import { localMilliseconds, localSeconds } from './local-clock.js';
import {
  describeMissing,
  describeResult,
  hasProcess,
  protocolLabel,
  roleArrow,
} from './record-parts.js';
import type { AnyRecord, Toned } from './record-parts.js';
import { displayWidth, escapeText, padLeft, padRight, truncate } from './terminal-text.js';
import { formatBytes, formatDuration } from './units.js';

/** What came of a call is left out when less than this would be left of what was asked. */
const leastAskedBesideOutcome = 12;

/** Writes records as aligned lines for people. */
export class PrettyFormatter {
  readonly #colors: Colors;
  readonly #columns: () => number | undefined;
  #processWidth = 12;
  #protocolWidth = 5;
  #markWidth = 0;
  #peerWidth = 15;
  readonly #fixed: LineLayout;
  #layout: LineLayout;
  #layoutColumns: number | undefined;

  /**
   * `columns` is asked for every line, since a terminal can be resized; undefined when the output is not a terminal.
   * `showsTls`: there, room is kept for the mark of connections above TLS; default false.
   */
  constructor(colors: Colors, columns: () => number | undefined, showsTls = false) {
    this.#colors = colors;
    this.#columns = columns;
    this.#fixed = showsTls ? fixedLayoutWithTls : fixedLayout;
    this.#layout = this.#fixed;
  }

  /** One line that names the columns. */
  header(): string {
    const layout = this.#layoutFor(0, 0, 0, 0);
    const cells = [
      padRight('TIME', layout.milliseconds ? 12 : 8),
      padRight('PROCESS', layout.processWidth),
      ' ',
      padRight('PEER', layout.peerWidth),
      ...(layout.protocol ? [padRight('PROTO', layout.protocolWidth)] : []),
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
    const who = whoOf(record);
    const protocol = protocolOf(record);
    const layout = this.#layoutFor(
      displayWidth(who.name) + who.tail.length,
      displayWidth(who.peer),
      displayWidth(protocol.name),
      protocol.mark.length,
    );
    const result = describeResult(record);
    const mark = markFor(record, layout);
    const cells = [
      colors.dim(
        layout.milliseconds ? localMilliseconds(record.startTime) : localSeconds(record.startTime),
      ),
      processCell(who, layout, colors),
      who.isServer ? colors.magenta(who.arrow) : colors.blue(who.arrow),
      padRight(
        layout.cut ? truncateEndpoint(who.peer, layout.peerWidth) : who.peer,
        layout.peerWidth,
      ),
      ...(layout.protocol ? [protocolCell(protocol, layout, colors)] : []),
      callCell(
        describeCall(record),
        mark === undefined ? 0 : displayWidth(mark.text) + 1,
        layout,
        colors,
      ),
      paint(colors, result.tone, padLeft(result.text, resultWidth)),
      padLeft(formatDuration(record.durationMs), durationWidth),
      ...sizeCells(record, layout, mark !== undefined),
    ];
    if (mark !== undefined) cells.push(paint(colors, mark.tone, mark.text));
    return `${cells.join(' ').trimEnd()}\n`;
  }

  #layoutFor(processWidth: number, peerWidth: number, protocol: number, mark: number): LineLayout {
    const columns = this.#columns();
    if (columns === undefined) return this.#fixed;
    const limits = columnLimits(columns);
    const wantedProcess = Math.min(limits.process, Math.max(this.#processWidth, processWidth));
    const wantedPeer = Math.min(limits.peer, Math.max(this.#peerWidth, peerWidth));
    this.#markWidth = Math.max(this.#markWidth, mark);
    const wantedProtocol = Math.min(
      limits.protocol + this.#markWidth,
      Math.max(this.#protocolWidth, protocol + mark),
    );
    if (
      columns !== this.#layoutColumns ||
      wantedProcess !== this.#processWidth ||
      wantedPeer !== this.#peerWidth ||
      wantedProtocol !== this.#protocolWidth
    ) {
      this.#processWidth = wantedProcess;
      this.#peerWidth = wantedPeer;
      this.#protocolWidth = wantedProtocol;
      this.#layoutColumns = columns;
      this.#layout = chooseLayout(columns, wantedProcess, wantedPeer, wantedProtocol);
    }
    return this.#layout;
  }
}

/** Who spoke with whom. */
interface Who {
  readonly name: string;
  /** Process id or port: never cut off. */
  readonly tail: string;
  readonly peer: string;
  readonly arrow: string;
  readonly isServer: boolean;
}

/** The process and its peer; without a process, as in a packet capture, client and server. */
function whoOf(record: AnyRecord): Who {
  const { process, role, connection } = record;
  if (hasProcess(record)) {
    return {
      name: escapeText(process.comm === '' ? '?' : process.comm),
      tail: `/${process.pid}`,
      peer: formatPeer(record),
      arrow: roleArrow(role),
      isServer: role === 'server',
    };
  }
  const client = formatEndpoint(connection.client, connection.transport);
  const port = /\]?:\d+$/.exec(client)?.[0] ?? '';
  return {
    name: client.slice(0, client.length - port.length),
    tail: port,
    peer: formatEndpoint(connection.server, connection.transport),
    arrow: roleArrow('client'),
    isServer: false,
  };
}

function processCell({ name, tail }: Who, layout: LineLayout, colors: Colors): string {
  const shown = layout.cut ? truncate(name, Math.max(1, layout.processWidth - tail.length)) : name;
  const padding = padRight('', layout.processWidth - displayWidth(shown) - tail.length);
  return `${colors.bold(shown)}${colors.dim(tail)}${padding}`;
}

/** What is spoken, and whether above TLS. */
interface Protocol {
  readonly name: string;
  readonly mark: string;
}

function protocolOf(record: AnyRecord): Protocol {
  return {
    name: escapeText(protocolLabel(record)),
    mark: record.connection.transport === 'tls' ? tlsMark : '',
  };
}

/** A long name is cut, its mark is not. */
function protocolCell({ name, mark }: Protocol, layout: LineLayout, colors: Colors): string {
  const room = Math.max(1, layout.protocolWidth - mark.length);
  const shown = layout.cut ? truncate(name, room) : name;
  const padding = padRight('', layout.protocolWidth - displayWidth(shown) - mark.length);
  return `${shown}${mark === '' ? '' : colors.cyan(mark)}${padding}`;
}

/** The mark of an incomplete record, cut so that ten columns are left for what was asked. */
function markFor(record: AnyRecord, layout: LineLayout): Toned | undefined {
  const mark = describeMissing(record, layout.cut && layout.askedWidth < 40);
  if (mark === undefined || !layout.cut) return mark;
  return { ...mark, text: truncate(mark.text, Math.max(1, layout.askedWidth - 11)) };
}

/**
 * What was asked on the left, what came of it on the right. On a terminal the mark of an incomplete record takes its room
 * from them, and what came of it at most half of what is left beside a longer question.
 */
function callCell(call: CallText, markWidth: number, layout: LineLayout, colors: Colors): string {
  const { asked, outcome } = call;
  if (!layout.cut) {
    if (outcome === undefined) return padRight(asked, layout.askedWidth);
    const left = layout.askedWidth - displayWidth(outcome.text) - 1;
    return `${padRight(asked, left)} ${paint(colors, outcome.tone, outcome.text)}`;
  }
  const room = Math.max(Math.min(layout.askedWidth, 10), layout.askedWidth - markWidth);
  const width = outcomeWidth(call, room);
  const left = room - 1 - width;
  if (outcome === undefined || width === 0 || left < leastAskedBesideOutcome) {
    return fitted(call, room);
  }
  const shown = truncate(outcome.text, room - 1 - left);
  return `${fitted(call, left)} ${paint(colors, outcome.tone, shown)}`;
}

/**
 * What a short question leaves, or half of the room for what went wrong; a result is shown whole beside a long question,
 * or not at all.
 */
function outcomeWidth({ asked, outcome }: CallText, room: number): number {
  if (outcome === undefined) return 0;
  const wanted = displayWidth(outcome.text);
  const free = room - 1 - displayWidth(asked);
  if (outcome.tone !== 'dim') return Math.min(wanted, Math.max(free, Math.floor(room / 2)));
  return wanted <= Math.max(free, Math.floor(room * 0.4)) ? wanted : 0;
}

function fitted({ asked, brief }: CallText, width: number): string {
  const text = displayWidth(asked) <= width ? asked : brief;
  return padRight(truncate(text, width), width);
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
