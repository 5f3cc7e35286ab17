// SPDX-License-Identifier: Apache-2.0
import { inetEndpoint } from '../../kernel/addresses.js';
import type { Endpoint } from '../../model/index.js';
import type { IpPacket } from './ip-packet.js';

const family = { 8: 2, 32: 10 } as const;

/** Names the sender and the receiver of a packet whose payload begins with two ports. */
export function keyOf({ header, addressesAt, addressBytes, data, start }: IpPacket): string {
  return (
    header.toString('latin1', addressesAt, addressesAt + addressBytes) +
    data.toString('latin1', start, start + 4)
  );
}

/** The key of packets in the other direction. */
export function reverseKeyOf(packet: IpPacket): string {
  const { header, addressesAt: at, addressBytes, data, start } = packet;
  const middle = at + addressBytes / 2;
  return (
    header.toString('latin1', middle, at + addressBytes) +
    header.toString('latin1', at, middle) +
    data.toString('latin1', start + 2, start + 4) +
    data.toString('latin1', start, start + 2)
  );
}

/** Sender and receiver. */
export function endpointsOf(packet: IpPacket): readonly [Endpoint, Endpoint] {
  const { header, addressesAt: at, addressBytes, data, start } = packet;
  const middle = at + addressBytes / 2;
  return [
    inetEndpoint(family[addressBytes], header.subarray(at, middle), data.readUInt16BE(start)),
    inetEndpoint(
      family[addressBytes],
      header.subarray(middle, at + addressBytes),
      data.readUInt16BE(start + 2),
    ),
  ];
}
