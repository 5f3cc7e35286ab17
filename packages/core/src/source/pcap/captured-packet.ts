// SPDX-License-Identifier: Apache-2.0

/** One packet of a capture file. One object is used for all packets of a file. */
export class CapturedPacket {
  /** Nanoseconds since the first packet of the file. */
  timeNs = 0;
  data: Buffer = Buffer.alloc(0);
  /** Where the packet begins in `data`. */
  start = 0;
  /** Bytes of it in `data`. */
  captured = 0;
  /** Bytes of it on the wire: more than `captured` when the capture was limited (snaplen). */
  wireLength = 0;
  /** LINKTYPE_ value: https://www.tcpdump.org/linktypes.html */
  linkType = 0;
  /** Number of the interface in its section; 0 in pcap files, which have one. */
  interfaceId = 0;
}

/** Reads one file format, piece by piece. */
export interface CaptureReader {
  readonly format: 'pcap' | 'pcapng';
  /**
   * The next packet, or undefined when more bytes are needed. The packet's memory is valid until the next call.
   * @throws LibtraceError `ERR_CAPTURE_FORMAT`, `ERR_CAPTURE_LINK_TYPE`
   */
  next(): CapturedPacket | undefined;
}
