// SPDX-License-Identifier: Apache-2.0
import { Random } from '../run/random.js';
import {
  be,
  counted,
  foreign,
  hex,
  join,
  le,
  type ForeignConversation,
} from './foreign-conversation.js';

/** A record of TLS (RFC 8446, 5.1). */
function tlsRecord(type: number, ...parts: readonly (string | Buffer)[]): Buffer {
  return join(be(type, 1), hex('0303'), counted(2, ...parts));
}

function noise(seed: number, length: number): Buffer {
  const random = new Random(seed);
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** A packet of SSH without a cipher (RFC 4253, 6). */
function ssh(...parts: readonly (string | Buffer)[]): Buffer {
  const payload = join(...parts);
  const padding = 8 - ((payload.length + 5) % 8) + 4;
  return join(be(payload.length + padding + 1, 4), be(padding, 1), payload, Buffer.alloc(padding));
}

/** A message of the BitTorrent peer protocol (BEP 3). */
function torrent(id: number, ...parts: readonly (string | Buffer)[]): Buffer {
  return counted(4, be(id, 1), ...parts);
}

/** SMB2 over TCP ([MS-SMB2] 2.1, 2.2.1). */
function smb2(
  command: number,
  id: number,
  response: boolean,
  ...parts: readonly (string | Buffer)[]
): Buffer {
  const header = join(
    ...['\xfeSMB', le(64, 2), le(1, 2), le(0, 4), le(command, 2), le(1, 2)],
    ...[
      le(response ? 1 : 0, 4),
      le(0, 4),
      le(id, 8),
      le(0, 4),
      le(0, 4),
      le(0, 8),
      Buffer.alloc(16),
    ],
  );
  return counted(4, header, ...parts);
}

/** A query of DNS over TCP (RFC 1035, 4.2.2). */
function dns(
  id: number,
  flags: string,
  answers: number,
  ...answer: readonly (string | Buffer)[]
): Buffer {
  const question = join('\x07example\x03com\0', hex('0001 0001'));
  return counted(
    2,
    be(id, 2),
    hex(flags),
    be(1, 2),
    be(answers, 2),
    hex('0000 0000'),
    question,
    ...answer,
  );
}

const address = join(hex('c00c 0001 0001 00000e10'), counted(2, hex('c0000201')));
const kex = join(
  '\x14',
  noise(1, 16),
  counted(4, 'curve25519-sha256,ecdh-sha2-nistp256'),
  counted(4, 'ssh-ed25519'),
);

/** What else connections carry. */
export const infrastructure: readonly ForeignConversation[] = [
  // RFC 8446
  foreign('tls', 443, [
    [
      'client',
      tlsRecord(
        22,
        hex('01'),
        counted(
          3,
          hex('0303'),
          noise(2, 32),
          counted(1, noise(3, 32)),
          counted(2, hex('1301 1302 c02f')),
          hex('0100'),
          counted(
            2,
            hex('0000'),
            counted(2, counted(2, hex('00'), counted(2, 'example.com'))),
            hex('002b 0003 020304'),
          ),
        ),
      ),
    ],
    [
      'server',
      tlsRecord(
        22,
        hex('02'),
        counted(
          3,
          hex('0303'),
          noise(4, 32),
          counted(1, noise(3, 32)),
          hex('1301 00'),
          counted(2, hex('002b 0002 0304')),
        ),
      ),
    ],
    ['server', join(tlsRecord(20, hex('01')), tlsRecord(23, noise(5, 200)))],
    ['client', join(tlsRecord(20, hex('01')), tlsRecord(23, noise(6, 60)))],
    ['client', tlsRecord(23, noise(7, 120))],
    ['server', tlsRecord(23, noise(8, 500))],
  ]),
  // RFC 4253
  foreign('ssh', 22, [
    ['server', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'],
    ['client', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['client', ssh(kex)],
    ['server', ssh(kex)],
    ['client', ssh('\x1e', counted(4, noise(9, 32)))],
    ['server', ssh('\x1f', counted(4, noise(10, 51)), counted(4, noise(11, 32)))],
    ['client', noise(12, 44)],
    ['server', noise(13, 44)],
  ]),
  // RFC 1035, RFC 7766
  foreign('dns', 53, [
    ['client', dns(0x1234, '0100', 0)],
    ['server', dns(0x1234, '8180', 1, address)],
    ['client', join(dns(0x1235, '0100', 0), dns(0x1236, '0100', 0))],
    ['server', join(dns(0x1235, '8183', 0), dns(0x1236, '8180', 1, address))],
  ]),
  // RFC 4511
  foreign('ldap', 389, [
    ['client', hex('300c 020101 6007 020103 0400 8000')],
    ['server', hex('300c 020101 6107 0a0100 0400 0400')],
    [
      'client',
      join(
        hex('3025 020102 6320 0400 0a0100 0a0100 020100 020100 010100 870b'),
        'objectClass',
        hex('3000'),
      ),
    ],
    ['server', hex('300c 020102 6507 0a0100 0400 0400')],
  ]),
  // [MS-SMB2]
  foreign('smb', 445, [
    [
      'client',
      counted(4, '\xffSMBr', Buffer.alloc(27), '\0', le(24, 2), '\x02NT LM 0.12\0\x02SMB 2.???\0'),
    ],
    ['server', smb2(0, 0, true, le(65, 2), Buffer.alloc(62))],
    ['client', smb2(0, 1, false, le(36, 2), le(2, 2), Buffer.alloc(32), hex('0202 1002'))],
    ['server', smb2(0, 1, true, le(65, 2), Buffer.alloc(62))],
  ]),
  // [MS-RDPBCGR]: X.224 connection request in TPKT
  foreign('rdp', 3389, [
    [
      'client',
      join(
        hex('0300 002a 25 e0 0000 0000 00'),
        'Cookie: mstshash=a\r\n',
        hex('01 00 0800 03000000'),
        hex('000000'),
      ),
    ],
    ['server', hex('0300 0013 0e d0 0000 1234 00 02 00 0800 02000000')],
    ['client', join(hex('0300 0190 02 f080 7f65 820184'), noise(14, 387))],
    ['server', join(hex('0300 0069 02 f080 7f66 5f'), noise(15, 93))],
  ]),
  // BEP 3
  foreign('bittorrent', 6881, [
    [
      'client',
      join('\x13BitTorrent protocol', Buffer.alloc(8), noise(16, 20), '-TR3000-abcdefghijkl'),
    ],
    [
      'server',
      join('\x13BitTorrent protocol', Buffer.alloc(8), noise(16, 20), '-UT3550-mnopqrstuvwx'),
    ],
    ['server', torrent(5, noise(17, 16))],
    ['client', torrent(2)],
    ['server', torrent(1)],
    ['client', torrent(6, be(0, 4), be(0, 4), be(16_384, 4))],
    ['server', torrent(7, be(0, 4), be(0, 4), noise(18, 1000))],
    ['client', torrent(4, be(0, 4))],
    ['client', be(0, 4)],
  ]),
  // RFC 1928
  foreign('socks', 1080, [
    ['client', hex('05 02 00 02')],
    ['server', hex('05 00')],
    ['client', join(hex('05 01 00 03'), counted(1, 'example.com'), be(443, 2))],
    ['server', hex('05 00 00 01 c0000201 01bb')],
  ]),
  // RFC 6143
  foreign('vnc', 5900, [
    ['server', 'RFB 003.008\n'],
    ['client', 'RFB 003.008\n'],
    ['server', hex('01 01')],
    ['client', hex('01')],
    ['server', hex('00000000')],
    ['client', hex('01')],
    [
      'server',
      join(
        be(1024, 2),
        be(768, 2),
        hex('20180001 00ff00ff00ff 100800 000000'),
        counted(4, 'desktop'),
      ),
    ],
  ]),
  // Telnet: RFC 854
  foreign('telnet', 23, [
    ['server', hex('fffd18 fffd20 fffd23 fffd27')],
    ['client', hex('fffb18 fffc20 fffc23 fffb27')],
    ['server', 'login: '],
    ['client', 'a\r\n'],
    ['server', 'Password: '],
  ]),
  // RFC 4271
  foreign('bgp', 179, [
    ['client', join(Buffer.alloc(16, 0xff), hex('001d 01 04 fde8 00b4 c0000201 00'))],
    ['server', join(Buffer.alloc(16, 0xff), hex('001d 01 04 fde9 00b4 c0000202 00'))],
    ['client', join(Buffer.alloc(16, 0xff), hex('0013 04'))],
    ['server', join(Buffer.alloc(16, 0xff), hex('0013 04'))],
  ]),
  // Modbus over TCP: transaction, protocol 0, length, unit, function
  foreign('modbus', 502, [
    ['client', hex('0001 0000 0006 01 03 0000 000a')],
    ['server', join(hex('0001 0000 0017 01 03 14'), Buffer.alloc(20, 1))],
    ['client', hex('0002 0000 0006 01 06 0001 0003')],
    ['server', hex('0002 0000 0006 01 06 0001 0003')],
  ]),
  // Binary protocol of memcached
  foreign('memcached binary', 11_211, [
    ['client', join(hex('80 00 0005 00 00 0000 00000005 00000001'), Buffer.alloc(8), 'hello')],
    [
      'server',
      join(
        hex('81 00 0000 04 00 0000 00000009 00000001'),
        Buffer.alloc(8),
        hex('deadbeef'),
        'world',
      ),
    ],
    [
      'client',
      join(hex('80 01 0005 08 00 0000 00000012 00000002'), Buffer.alloc(16), 'helloworld'),
    ],
    ['server', join(hex('81 01 0000 00 00 0000 00000000 00000002'), Buffer.alloc(8))],
  ]),
  // RFC 6455 frames, as a connection shows them that was joined behind its upgrade
  foreign('websocket-frames', 8080, [
    ['client', join(hex('81 85 37fa213d'), hex('7f9f4d5158'))],
    ['server', join(hex('81 05'), 'Hello')],
    ['client', join(hex('82 fe 012c 01020304'), noise(19, 300))],
    ['server', join(hex('82 7e 012c'), noise(20, 300))],
  ]),
  foreign(
    'random',
    0,
    Array.from({ length: 24 }, (_, i) => [
      i % 2 === 0 ? 'client' : 'server',
      noise(100 + i, 3 + i * 17),
    ]),
  ),
  foreign(
    'zeros',
    0,
    Array.from({ length: 8 }, (_, i) => [
      i % 2 === 0 ? 'client' : 'server',
      Buffer.alloc(1 + i * 40),
    ]),
  ),
  foreign(
    'ones',
    0,
    Array.from({ length: 8 }, (_, i) => [
      i % 2 === 0 ? 'client' : 'server',
      Buffer.alloc(1 + i * 40, 0xff),
    ]),
  ),
  foreign('prose', 0, [
    ['client', 'To get to the house, take the second turn; put the key where you found it.\n'],
    ['server', 'Delete this letter when you have read it. Options are few, and HTTP is not one.\n'],
    ['client', 'POST it, she said, or select something from the shelf and update the list.\n'],
    ['server', 'Version two of the story ends well. STORED in a box, it will stay for ever.\n'],
  ]),
  foreign('json-lines', 0, [
    ['client', '{"level":"info","msg":"GET /index.html","status":200}\n{"level":"warn"}\n'],
    ['server', '{"ok":true}\n'],
  ]),
  foreign('csv', 0, [['client', 'id,name,price\r\n1,apple,2.50\r\n2,pear,3.10\r\n']]),
];
