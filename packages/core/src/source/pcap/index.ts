// SPDX-License-Identifier: Apache-2.0
export { PcapSource } from './pcap-source.js';
export type { CaptureInput } from './capture-input.js';
export type { PcapOptions } from './pcap-options.js';
export type { LeftOutReason, PacketCount, PcapStats, TcpStats, UdpStats } from './pcap-stats.js';
