// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../../errors.js';

/** Bounds of reading a capture file. */
export interface PcapOptions {
  /** TCP connections remembered at once, and as many UDP conversations; the least recently used is dropped. Default 65,536. */
  readonly maxConnections?: number;
  /** Bytes that wait for earlier ones, per direction of a connection; beyond, what is missing is a hole. Default 8 MiB. */
  readonly maxBufferedBytes?: number;
  /** The same, over all connections. Default 256 MiB. */
  readonly maxTotalBufferedBytes?: number;
}

/** {@link PcapOptions} with every default filled in. */
export type ResolvedPcapOptions = Required<PcapOptions>;

const defaults: ResolvedPcapOptions = {
  maxConnections: 65_536,
  maxBufferedBytes: 8 * 1024 * 1024,
  maxTotalBufferedBytes: 256 * 1024 * 1024,
};

/** @throws LibtraceError `ERR_OPTION_INVALID` */
export function resolvePcapOptions(options: PcapOptions): ResolvedPcapOptions {
  const integer = (name: keyof PcapOptions): number => {
    const value: unknown = options[name] ?? defaults[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
    throw new LibtraceError('ERR_OPTION_INVALID', `option ${name} is ${String(value)}`, {
      phase: 'validate',
      remedy: 'give an integer from 1 on',
    });
  };
  return {
    maxConnections: integer('maxConnections'),
    maxBufferedBytes: integer('maxBufferedBytes'),
    maxTotalBufferedBytes: integer('maxTotalBufferedBytes'),
  };
}
