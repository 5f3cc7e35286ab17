// SPDX-License-Identifier: Apache-2.0
import {
  be,
  counted,
  foreign,
  hex,
  join,
  type ForeignConversation,
} from './foreign-conversation.js';

/** A method frame of AMQP 0-9-1. */
function amqp(channel: number, ...parts: readonly (string | Buffer)[]): Buffer {
  return join(hex('01'), be(channel, 2), counted(4, ...parts), hex('ce'));
}

/** A frame of AMQP 1.0 whose body is given. */
function amqp1(type: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = join(...parts);
  return join(be(body.length + 8, 4), hex('02'), be(type, 1), hex('0000'), body);
}

/** A message of ZooKeeper: its length, then big-endian integers and strings (Jute). */
function zookeeper(...parts: readonly (string | Buffer)[]): Buffer {
  return counted(4, ...parts);
}

/** A frame of NSQ. */
function nsq(type: number, ...parts: readonly (string | Buffer)[]): Buffer {
  return counted(4, be(type, 4), ...parts);
}

/** Message brokers and coordination. */
export const brokers: readonly ForeignConversation[] = [
  // AMQP 0-9-1, sections 2.2 and 2.3
  foreign('amqp', 5672, [
    ['client', 'AMQP\0\0\x09\x01'],
    [
      'server',
      amqp(
        0,
        hex('000a000a 00 09'),
        counted(4, '\x07productS', counted(4, 'RabbitMQ')),
        counted(4, 'PLAIN'),
        counted(4, 'en_US'),
      ),
    ],
    [
      'client',
      amqp(
        0,
        hex('000a000b'),
        counted(4),
        counted(1, 'PLAIN'),
        counted(4, '\0guest\0guest'),
        counted(1, 'en_US'),
      ),
    ],
    ['server', amqp(0, hex('000a001e 07ff 00020000 003c'))],
    [
      'client',
      join(
        amqp(0, hex('000a001f 07ff 00020000 003c')),
        amqp(0, hex('000a0028'), counted(1, '/'), hex('00 00')),
      ),
    ],
    ['server', amqp(0, hex('000a0029 00'))],
    ['client', amqp(1, hex('0014000a 00'))],
    ['server', amqp(1, hex('0014000b 00000000'))],
  ]),
  // OASIS AMQP 1.0, parts 2 and 5
  foreign('amqp 1.0', 5672, [
    ['client', 'AMQP\x03\x01\0\0'],
    ['server', 'AMQP\x03\x01\0\0'],
    ['server', amqp1(1, hex('005340c01201e00f01b3'), counted(4, 'ANONYMOUS'))],
    ['client', amqp1(1, hex('005341c00c01a309'), 'ANONYMOUS')],
    ['server', amqp1(1, hex('005344c0030150 00'))],
    ['client', join('AMQP\0\x01\0\0', amqp1(0, hex('005310c00a02a10161a103612e62')))],
    ['server', join('AMQP\0\x01\0\0', amqp1(0, hex('005310c00502a10162')))],
  ]),
  // MQTT 3.1.1
  foreign('mqtt', 1883, [
    [
      'client',
      join(hex('10'), counted(1, counted(2, 'MQTT'), hex('04 02 003c'), counted(2, 'sensor-1'))),
    ],
    ['server', hex('20 02 00 00')],
    ['client', join(hex('82'), counted(1, be(1, 2), counted(2, 'a/b'), hex('01')))],
    ['server', hex('90 03 0001 01')],
    ['client', join(hex('30'), counted(1, counted(2, 'a/b'), 'GET /'))],
    ['server', join(hex('30'), counted(1, counted(2, 'a/b'), 'GET /'))],
    ['client', hex('c0 00')],
    ['server', hex('d0 00')],
  ]),
  // MQTT 5.0
  foreign('mqtt 5', 1883, [
    [
      'client',
      join(hex('10'), counted(1, counted(2, 'MQTT'), hex('05 02 003c 00'), counted(2, 'sensor-1'))),
    ],
    ['server', hex('20 06 00 00 03 21 000a')],
    ['client', join(hex('32'), counted(1, counted(2, 'a/b'), be(10, 2), hex('00'), 'hello'))],
    ['server', hex('40 02 000a')],
  ]),
  // ZooKeeper: ConnectRequest, ConnectResponse, exists, getData, ping (zookeeper.jute)
  foreign('zookeeper', 2181, [
    [
      'client',
      zookeeper(
        be(0, 4),
        be(0, 8),
        be(30_000, 4),
        be(0, 8),
        counted(4, Buffer.alloc(16)),
        hex('00'),
      ),
    ],
    [
      'server',
      zookeeper(
        be(0, 4),
        be(30_000, 4),
        hex('0100 0a1b2c3d0000'),
        counted(4, Buffer.alloc(16, 7)),
        hex('00'),
      ),
    ],
    ['client', zookeeper(be(1, 4), be(3, 4), counted(4, '/config'), hex('00'))],
    ['server', zookeeper(be(1, 4), be(77, 8), hex('ffffff9b'))],
    ['client', zookeeper(be(2, 4), be(4, 4), counted(4, '/config/a'), hex('01'))],
    ['server', zookeeper(be(2, 4), be(78, 8), be(0, 4), counted(4, 'hello'), Buffer.alloc(68))],
    ['client', zookeeper(hex('fffffffe'), be(11, 4))],
    ['server', zookeeper(hex('fffffffe'), be(79, 8), be(0, 4))],
  ]),
  // https://nsq.io/clients/tcp_protocol_spec.html
  foreign('nsq', 4150, [
    ['client', join('  V2IDENTIFY\n', counted(4, '{"client_id":"a"}'))],
    ['server', nsq(0, 'OK')],
    ['client', 'SUB orders all\nRDY 1\n'],
    ['server', nsq(0, 'OK')],
    ['server', nsq(2, be(1_700_000_000, 8), be(1, 2), '0123456789abcdef', 'hello')],
    ['client', 'FIN 0123456789abcdef\n'],
  ]),
  // http://gearman.org/protocol: binary requests and responses
  foreign('gearman', 4730, [
    ['client', join('\0REQ', be(7, 4), counted(4, 'reverse\0id\0hello'))],
    ['server', join('\0RES', be(8, 4), counted(4, 'H:host:1'))],
    ['server', join('\0RES', be(13, 4), counted(4, 'H:host:1\0olleh'))],
  ]),
  // https://pulsar.apache.org/docs/developing-binary-protocol: sizes, then protobuf
  foreign('pulsar', 6650, [
    [
      'client',
      counted(4, counted(4, hex('0802 12'), counted(1, hex('0a'), counted(1, 'a/1'), hex('2013')))),
    ],
    [
      'server',
      counted(
        4,
        counted(4, hex('0803 1a'), counted(1, hex('0a'), counted(1, 'Pulsar 3'), hex('1013'))),
      ),
    ],
    ['client', counted(4, counted(4, hex('0812')))],
    ['server', counted(4, counted(4, hex('0813')))],
  ]),
];
