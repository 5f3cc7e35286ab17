// SPDX-License-Identifier: Apache-2.0

/** Packet of MySQL: length u24 and number, little-endian, then the payload. */
function mysqlPacket(number: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = number;
  return Buffer.concat([header, payload]);
}

/** Request of Kafka: size, key, version, correlation id, client id; then the body. */
function kafkaRequest(key: number, version: number, clientId: string, body: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head.writeInt32BE(10 + clientId.length + body.length, 0);
  head.writeInt16BE(key, 4);
  head.writeInt16BE(version, 6);
  head.writeInt32BE(1, 8);
  head.writeInt16BE(clientId.length, 12);
  return Buffer.concat([head, Buffer.from(clientId), body]);
}

const greeting = Buffer.concat([
  Buffer.from('\x0a10.11.6-MariaDB\0', 'latin1'),
  Buffer.from([8, 0, 0, 0]),
  Buffer.from('abcdefgh\0', 'latin1'),
  Buffer.from([0xfe, 0xf7, 0x2d, 2, 0, 0xff, 0x81, 21, 0, 0, 0, 0, 0, 0, 0x1d, 0, 0, 0]),
  Buffer.from('ijklmnopqrst\0mysql_native_password\0', 'latin1'),
]);
const login = Buffer.concat([
  Buffer.from([0x85, 0xa6, 0xff, 1, 0, 0, 0, 1, 45]),
  Buffer.alloc(23),
  Buffer.from('root\0\0test\0mysql_native_password\0', 'latin1'),
]);

/** First bytes of real conversations, of protocols with and without a plugin. */
export const openings: readonly Buffer[] = [
  ...[
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /a HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc',
    'OPTIONS * HTTP/1.1\r\n\r\n',
    'CONNECT a:443 HTTP/1.1\r\n\r\n',
    'PROPFIND /dav HTTP/1.1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 404 Not Found\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\xff\xff',
    '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64',
    '\0\0\0\x04\x01\0\0\0\0',
    'CONNECT {"verbose":false}\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n',
    '*1\r\n$4\r\nPING\r\n',
    '+PONG\r\n',
    'get key\r\n',
    '220 mail.example ESMTP\r\n',
  ].map((text) => Buffer.from(text, 'latin1')),
  Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 1, 2, 3]),
  Buffer.from([23, 3, 3, 0, 26, 1, 2, 3]),
  mysqlPacket(0, greeting),
  mysqlPacket(1, login),
  mysqlPacket(1, Buffer.from([0x85, 0xae, 0xff, 1, 0, 0, 0, 1, 45, ...Buffer.alloc(23)])),
  mysqlPacket(0, Buffer.from('\x03select @@version_comment limit 1', 'latin1')),
  mysqlPacket(0, Buffer.from([0x0e])),
  mysqlPacket(0, Buffer.from([0x16, ...Buffer.from('select ?')])),
  mysqlPacket(2, Buffer.from([0, 0, 0, 2, 0, 0, 0])),
  mysqlPacket(1, Buffer.from('\xff\x15\x04#28000Access denied', 'latin1')),
  kafkaRequest(18, 3, 'rdkafka', Buffer.from('\0\x0alibrdkafka\x062.3.0\0', 'latin1')),
  kafkaRequest(3, 9, 'kafkajs', Buffer.from([0, 1, 0, 0, 0, 0])),
  kafkaRequest(0, 7, 'producer-1', Buffer.alloc(60)),
  kafkaRequest(1, 11, 'consumer-1', Buffer.alloc(80)),
  Buffer.from([0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
  // A query and a response of DNS.
  Buffer.from('\x16\x03\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01', 'latin1'),
  Buffer.from('\x16\x03\x81\x80\0\x01\0\x01\0\0\0\0\x01a\0\0\x01\0\x01', 'latin1'),
];
