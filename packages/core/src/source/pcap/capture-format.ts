// SPDX-License-Identifier: Apache-2.0
import type { CaptureBytes } from './capture-bytes.js';
import type { CaptureClock } from './capture-clock.js';
import { unknownCapture } from './capture-error.js';
import type { CaptureReader } from './captured-packet.js';
import { isPcap, PcapReader } from './pcap-reader.js';
import { PcapngReader, sectionHeaderType } from './pcapng-reader.js';

/** Files that are often taken for captures, by their first bytes in hexadecimal. */
const others: readonly (readonly [string, string, string])[] = [
  ['28b52ffd', 'is compressed with zstd', 'decompress it first: `zstd -d FILE`'],
  ['04224d18', 'is compressed with lz4', 'decompress it first: `lz4 -d FILE`'],
  ['fd377a58', 'is compressed with xz', 'decompress it first: `xz -dk FILE`'],
  ['425a68', 'is compressed with bzip2', 'decompress it first: `bunzip2 -k FILE`'],
  ['504b0304', 'is a zip archive', 'unpack it first: `unzip FILE`'],
  ['736e6f6f70', 'is a snoop capture', 'convert it: `editcap -F pcapng FILE new.pcapng`'],
];

/**
 * The reader for a file, by its first bytes; undefined when there are not enough yet.
 * @throws LibtraceError `ERR_CAPTURE_FORMAT` when it is no capture.
 */
export function readerFor(queue: CaptureBytes, clock: CaptureClock): CaptureReader | undefined {
  if (!queue.has(4)) return undefined;
  const magic = queue.data.readUInt32BE(queue.at);
  if (isPcap(magic)) return new PcapReader(queue, clock, magic);
  if (magic === sectionHeaderType) return new PcapngReader(queue, clock);
  const first = queue.data.toString('hex', queue.at, queue.at + 8);
  for (const [start, what, remedy] of others) {
    if (first.startsWith(start)) throw unknownCapture(`the file ${what}`, remedy);
  }
  throw unknownCapture(
    `the file is no capture: it begins with ${first}`,
    'Give a file that tcpdump, dumpcap or Wireshark wrote: pcap or pcapng, as it is or compressed with gzip.',
  );
}
