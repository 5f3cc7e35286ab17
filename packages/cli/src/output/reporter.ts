// SPDX-License-Identifier: Apache-2.0
import type { ReaderStats, TracerStats } from '@libtrace/core';
import { createColors, wantsColor } from '../format/colors.js';
import type { Colors } from '../format/colors.js';
import { formatJsonLine } from '../format/json-line.js';
import { PrettyFormatter } from '../format/pretty-line.js';
import type { AnyRecord } from '../format/record-parts.js';
import { CallGroups } from '../summary/call-groups.js';
import type { TlsFacts } from '../summary/encrypted.js';
import { renderFileSummary, renderSummary } from '../summary/render-summary.js';
import type { Dependencies } from '../dependencies.js';
import type { OutputFormat } from '../trace/trace-options.js';
import type { ByteSink } from './byte-sink.js';
import { LineWriter } from './line-writer.js';

/** A reader of a file waits for the output when so much is queued. */
const manyChars = 1024 * 1024;

/** How records are shown. */
export interface ReporterOptions {
  readonly format: OutputFormat;
  readonly color: boolean;
  /** Where lines go instead of stdout. */
  readonly file: ByteSink | undefined;
  /** System calls that libtrace makes the target do; left out of the explanation of silence. */
  readonly ownSegments?: number;
  /** Records of TLS connections may come: their column is as wide as they need it. Default false. */
  readonly showsTls?: boolean;
  readonly onOutputError: (error: Error) => void;
}

/**
 * Shows records as they come and sums them up at the end. The summary follows the lines when people read them on stdout,
 * and goes to stderr when stdout holds JSON or the lines went to a file.
 */
export class Reporter {
  readonly groups = new CallGroups();
  readonly #deps: Dependencies;
  readonly #writer: LineWriter;
  readonly #pretty: PrettyFormatter | undefined;
  readonly #isTerminal: boolean;
  readonly #summaryFollows: boolean;
  readonly #summaryColors: Colors;
  readonly #ownSegments: number;
  #firstNs = Infinity;
  #lastNs = -Infinity;

  constructor(options: ReporterOptions, deps: Dependencies) {
    const { format, file } = options;
    this.#deps = deps;
    this.#ownSegments = options.ownSegments ?? 0;
    this.#isTerminal = file === undefined && deps.stdoutColumns() !== undefined;
    this.#summaryFollows = format === 'pretty' && file === undefined;
    const lineColors = createColors(wantsColor(this.#isTerminal, options.color, deps.env));
    this.#summaryColors = this.#summaryFollows
      ? lineColors
      : createColors(wantsColor(deps.stderrIsTerminal, options.color, deps.env));
    this.#writer = new LineWriter(file ?? deps.stdout, options.onOutputError);
    const columns = (): number | undefined => (this.#isTerminal ? deps.stdoutColumns() : undefined);
    this.#pretty =
      format === 'pretty'
        ? new PrettyFormatter(lineColors, columns, options.showsTls === true)
        : undefined;
  }

  /** So much waits to be written that whoever can wait should. */
  get isBehind(): boolean {
    return this.#writer.queuedChars > manyChars;
  }

  /** Shows and counts one record. */
  record(record: AnyRecord): void {
    this.groups.add(record);
    this.#firstNs = Math.min(this.#firstNs, record.startNs);
    this.#lastNs = Math.max(this.#lastNs, record.startNs + record.durationMs * 1e6);
    if (!this.#writer.accepts()) return;
    const line = this.#pretty?.line(record) ?? formatJsonLine(record);
    // After the first line is laid out, so that the header has its widths.
    if (this.groups.total.calls === 1 && this.#pretty !== undefined && this.#isTerminal) {
      this.#writer.push(this.#pretty.header());
    }
    this.#writer.push(line);
  }

  /** A line for people, among the records when those are for people too. */
  say(text: string): void {
    if (this.#summaryFollows) this.#writer.push(text);
    else this.#deps.writeError(text);
  }

  /** Writes what is queued, then the summary. */
  async finish(
    stats: TracerStats,
    elapsedMs: number,
    protocols: readonly string[],
    tls?: TlsFacts,
  ): Promise<void> {
    await this.#writer.drain();
    const summary = renderSummary({
      groups: this.groups,
      stats,
      linesDropped: this.#writer.dropped,
      elapsedMs,
      protocols,
      ownSegments: this.#ownSegments,
      tls,
      columns: this.#summaryColumns(),
      colors: this.#summaryColors,
    });
    this.say(summary);
    await this.#writer.drain();
  }

  /** The same after a file was read. */
  async finishFile(stats: ReaderStats, protocols: readonly string[]): Promise<void> {
    await this.#writer.drain();
    const elapsedMs = Math.max(0, (this.#lastNs - this.#firstNs) / 1e6);
    const summary = renderFileSummary({
      groups: this.groups,
      stats,
      elapsedMs,
      protocols,
      columns: this.#summaryColumns(),
      colors: this.#summaryColors,
    });
    this.say(summary);
    await this.#writer.drain();
  }

  /** Undefined when it is not shown on the terminal that stdout is. */
  #summaryColumns(): number | undefined {
    return this.#summaryFollows ? this.#deps.stdoutColumns() : undefined;
  }

  /** Resolves when every line was written. */
  async drain(): Promise<void> {
    await this.#writer.drain();
  }
}
