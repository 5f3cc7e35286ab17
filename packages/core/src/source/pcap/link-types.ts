// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../../errors.js';

/** Link types whose packets are read, by LINKTYPE_ value: https://www.tcpdump.org/linktypes.html */
export const linkType = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** DLT_RAW as some systems wrote it into files. */
  rawOld: 12,
  /** The same on OpenBSD. */
  rawOpenBsd: 14,
  pppHdlc: 50,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const;

const known: ReadonlySet<number> = new Set(Object.values(linkType));

/** Names of common link types that are not read, for messages. */
const otherNames: ReadonlyMap<number, string> = new Map([
  [6, 'IEEE802_5 (token ring)'],
  [10, 'FDDI'],
  [51, 'PPP_ETHER'],
  [105, 'IEEE802_11 (Wi-Fi)'],
  [119, 'IEEE802_11_PRISM (Wi-Fi)'],
  [127, 'IEEE802_11_RADIOTAP (Wi-Fi)'],
  [147, 'USER0'],
  [187, 'BLUETOOTH_HCI_H4'],
  [189, 'USB_LINUX'],
  [195, 'IEEE802_15_4_WITHFCS'],
  [201, 'BLUETOOTH_HCI_H4_WITH_PHDR'],
  [220, 'USB_LINUX_MMAPPED'],
  [239, 'NFLOG'],
  [249, 'USBPCAP'],
  [253, 'NETLINK'],
  [254, 'BLUETOOTH_LINUX_MONITOR'],
  [258, 'PKTAP'],
]);

/** Whether packets of a link type are read. */
export function isKnownLinkType(value: number): boolean {
  return known.has(value);
}

/** @throws LibtraceError `ERR_CAPTURE_LINK_TYPE` when packets of a link type are not read. */
export function requireLinkType(value: number): void {
  if (isKnownLinkType(value)) return;
  const name = otherNames.get(value);
  throw new LibtraceError(
    'ERR_CAPTURE_LINK_TYPE',
    `the capture is of link type ${value}${name === undefined ? '' : `, ${name}`}`,
    {
      phase: 'run',
      remedy:
        'Capture on another interface (`tcpdump -i any` works everywhere on Linux), or convert the file to Ethernet, Linux cooked or raw IP.',
    },
  );
}
