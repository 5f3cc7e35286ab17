// SPDX-License-Identifier: Apache-2.0

/** A packet's addresses; IPv6 when they have a colon. */
export interface Addresses {
  readonly source: string;
  readonly destination: string;
}

export const client = '10.0.0.2';
export const server = '10.0.0.1';
export const clientPort = 50_000;
export const serverPort = 80;

export function tcp(fields: {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment?: number | undefined;
  /** Letters of S, A, F, R, P. */
  readonly flags?: string;
  readonly payload?: Buffer | string;
  /** Bytes of options; a multiple of four. */
  readonly options?: number;
}): Buffer {
  const { flags = fields.acknowledgment === undefined ? '' : 'A', options = 0 } = fields;
  const header = Buffer.alloc(20 + options, 1);
  header.writeUInt16BE(fields.sourcePort, 0);
  header.writeUInt16BE(fields.destinationPort, 2);
  header.writeUInt32BE(fields.sequence >>> 0, 4);
  header.writeUInt32BE((fields.acknowledgment ?? 0) >>> 0, 8);
  header[12] = ((20 + options) / 4) << 4;
  header[13] = flags.split('').reduce((sum, letter) => sum | (1 << 'FSRPA'.indexOf(letter)), 0);
  return Buffer.concat([header, Buffer.from(fields.payload ?? '')]);
}

export function udp(
  sourcePort: number,
  destinationPort: number,
  payload: Buffer | string,
  stated?: number,
): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(stated ?? body.length + 8, 4);
  return Buffer.concat([header, body]);
}

function address(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [before = '', after] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(before);
  const right = groups(after ?? '');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from(
    [...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''),
    'hex',
  );
}

export interface Ipv4Options {
  readonly protocol?: number;
  readonly identification?: number;
  /** Bytes before it of the packet that it is a fragment of. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  /** Bytes of header options; a multiple of four. */
  readonly options?: number;
  readonly totalLength?: number;
}

export function ipv4(payload: Buffer, addresses: Addresses, fields: Ipv4Options = {}): Buffer {
  const { protocol = 6, identification = 0, fragmentOffset = 0, options = 0 } = fields;
  const header = Buffer.alloc(20 + options, 1);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(fields.totalLength ?? header.length + payload.length, 2);
  header.writeUInt16BE(identification, 4);
  header.writeUInt16BE((fields.moreFragments === true ? 0x2000 : 0) | (fragmentOffset / 8), 6);
  header[8] = 64;
  header[9] = protocol;
  address(addresses.source).copy(header, 12);
  address(addresses.destination).copy(header, 16);
  return Buffer.concat([header, payload]);
}

export function ipv6(
  payload: Buffer,
  addresses: Addresses,
  nextHeader = 6,
  payloadLength = payload.length,
): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payloadLength, 4);
  header[6] = nextHeader;
  header[7] = 64;
  address(addresses.source).copy(header, 8);
  address(addresses.destination).copy(header, 24);
  return Buffer.concat([header, payload]);
}

export function etherTypeOf(ip: Buffer): number {
  return ip[0]! >> 4 === 6 ? 0x86dd : 0x0800;
}

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value, i * 2));
  return bytes;
}

/** `tags`: EtherTypes and values between the addresses and the packet's own EtherType. */
export function ethernet(ip: Buffer, tags: readonly number[] = []): Buffer {
  return Buffer.concat([Buffer.alloc(12, 2), u16(...tags, etherTypeOf(ip)), ip]);
}

/** One end's packets of the usual connection, in Ethernet. */
export function packetOf(
  from: 'client' | 'server',
  fields: Partial<Parameters<typeof tcp>[0]> & { readonly sequence: number },
): Buffer {
  const isClient = from === 'client';
  const segment = tcp({
    sourcePort: isClient ? clientPort : serverPort,
    destinationPort: isClient ? serverPort : clientPort,
    ...fields,
  });
  const addresses = isClient
    ? { source: client, destination: server }
    : { source: server, destination: client };
  return ethernet(ipv4(segment, addresses));
}
