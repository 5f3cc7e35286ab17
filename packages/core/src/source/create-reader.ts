// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import { validatePlugins } from '../inference/validate-plugins.js';
import type { AnyPlugin, RecordOf } from '../tracer/types.js';
import { protocolsOf } from '../plugin/kinds.js';
import { OfflineReader, type ReaderStats } from './offline-reader.js';

/** Options of {@link createReader}. */
export interface ReaderOptions<P extends readonly AnyPlugin[]> {
  /** The protocols that are read. Sources of plaintext are let be: a file has what it has. */
  readonly plugins: P;
  /**
   * Path of a recording, a pcap or a pcapng file, each possibly gzipped: what it is, is told by its first bytes. Or its
   * bytes, piece by piece (a stream).
   */
  readonly file: string | AsyncIterable<Uint8Array>;
  /** Port to plugin name: connections with that port are of that protocol, whatever their bytes look like. Default: none. */
  readonly decodeAs?: ReadonlyMap<number, string>;
  /** Bytes kept per direction of a connection while a message is unfinished. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** The same, over all connections. Default 256 MiB. */
  readonly maxTotalBufferedBytes?: number;
  /** Ends the iteration early; what is unfinished then is not reported. Default: none. */
  readonly signal?: AbortSignal;
  /** A plugin threw: its connection is dropped, reading goes on. Default: only counted. */
  readonly onPluginFailure?: (plugin: string, error: unknown) => void;
}

/** Made by {@link createReader}. Iterate it once. */
export interface Reader<Rec> extends AsyncIterable<Rec> {
  /** What was read so far, and what was left out. */
  stats(): ReaderStats;
}

/**
 * Makes a reader of a file of captured bytes. It needs neither Linux nor rights nor the native addon. Records come in the
 * order in which they were completed; a file is read as fast as they are taken.
 *
 * Iterating it fails with `ERR_FILE_READ`, `ERR_CAPTURE_FORMAT`, `ERR_CAPTURE_LINK_TYPE`, `ERR_RECORDING_INVALID` or
 * `ERR_RECORDING_VERSION`, after the records of everything before the damage. A file that was cut off does not fail: `stats()` says so.
 *
 * @example
 * ```ts
 * const reader = createReader({ plugins: [http()], file: 'calls.ltrec' });
 * for await (const call of reader) console.log(call.operation, call.attributes['url.path']);
 * console.log(reader.stats().pipeline.unrecognizedConnections);
 * ```
 * @throws LibtraceError `ERR_OPTION_INVALID`, `ERR_PLUGIN_INVALID`, `ERR_PLUGIN_DUPLICATE`
 */
export function createReader<const P extends readonly AnyPlugin[]>(
  options: ReaderOptions<P>,
): Reader<RecordOf<P[number]>> {
  const given = options as Partial<ReaderOptions<readonly AnyPlugin[]>> | undefined;
  if (given === undefined || !Array.isArray(given.plugins)) {
    invalid('plugins is not an array', 'give plugins: [http()]');
  }
  const { file } = given;
  if ((typeof file !== 'string' || file === '') && !isAsyncIterable(file)) {
    invalid(`file is ${typeof file}`, 'give the path of a file, or a stream of its bytes');
  }
  validatePlugins(given.plugins);
  const plugins = protocolsOf(given.plugins);
  const reader = new OfflineReader({
    plugins,
    file,
    decodeAs: checkedDecodeAs(given.decodeAs, plugins),
    maxBufferedBytes: checkedBytes('maxBufferedBytes', given.maxBufferedBytes ?? 2 ** 20),
    maxTotalBufferedBytes: checkedBytes(
      'maxTotalBufferedBytes',
      given.maxTotalBufferedBytes ?? 2 ** 28,
    ),
    signal: given.signal,
    onPluginFailure: given.onPluginFailure ?? (() => undefined),
  });
  return reader as unknown as Reader<RecordOf<P[number]>>;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function checkedDecodeAs(
  decodeAs: unknown,
  plugins: readonly AnyPlugin[],
): ReadonlyMap<number, string> {
  if (decodeAs === undefined) return new Map();
  if (!(decodeAs instanceof Map)) {
    invalid('decodeAs is not a Map', "give a Map: new Map([[8080, 'http']])");
  }
  const names = plugins.map(({ name }) => String(name));
  for (const [port, name] of decodeAs as ReadonlyMap<unknown, unknown>) {
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      invalid(`decodeAs has the port ${String(port)}`, 'give ports from 1 to 65535');
    }
    if (!names.includes(name as string)) {
      invalid(`decodeAs names ${String(name)}`, `the plugins are: ${names.join(', ')}`);
    }
  }
  return decodeAs as ReadonlyMap<number, string>;
}

function checkedBytes(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 4096) return value;
  return invalid(`${option} is ${String(value)}`, 'give a whole number of bytes, at least 4096');
}

function invalid(problem: string, remedy: string): never {
  throw new LibtraceError('ERR_OPTION_INVALID', `option ${problem}`, { phase: 'validate', remedy });
}
