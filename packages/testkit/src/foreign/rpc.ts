// SPDX-License-Identifier: Apache-2.0
import {
  be,
  counted,
  foreign,
  hex,
  join,
  le,
  type ForeignConversation,
} from './foreign-conversation.js';

/** A message of Dubbo: magic, flags, status, id, length, Hessian 2 body. */
function dubbo(
  flags: string,
  status: number,
  id: number,
  ...parts: readonly (string | Buffer)[]
): Buffer {
  return join(hex('dabb'), hex(flags), be(status, 1), be(id, 8), counted(4, ...parts));
}

/** A Hessian 2 string shorter than 32 characters. */
function hessian(text: string): Buffer {
  return counted(1, text);
}

/** A strict message of Thrift's binary protocol: version and type, name, sequence number, fields. */
function thrift(type: number, name: string, id: number, fields: Buffer): Buffer {
  return join(hex('800100'), be(type, 1), counted(4, name), be(id, 4), fields, '\0');
}

const thriftField = join(hex('0b 0001'), counted(4, 'hello'));

/** A request or response of Bolt, version 1, which SOFARPC speaks. */
function bolt(head: string, id: number, middle: string, name: string, body: string): Buffer {
  return join(
    ...[hex(head), be(id, 4), hex('01'), hex(middle)],
    ...[be(name.length, 2), be(0, 2), be(body.length, 4), name, body],
  );
}

/** A message of General Inter-ORB Protocol 1.2, big-endian. */
function giop(type: number, ...parts: readonly (string | Buffer)[]): Buffer {
  return join('GIOP', hex('010200'), be(type, 1), counted(4, ...parts));
}

/** Remote procedure calls. */
export const rpc: readonly ForeignConversation[] = [
  // https://dubbo.apache.org: Dubbo2 protocol
  foreign('dubbo', 20_880, [
    [
      'client',
      dubbo(
        'c2',
        0,
        1,
        hessian('2.0.2'),
        hessian('org.example.Greeter'),
        hessian('0.0.0'),
        hessian('hello'),
        hessian('Ljava/lang/String;'),
        hessian('a'),
      ),
    ],
    ['server', dubbo('02', 20, 1, hex('91'), hessian('hello a'))],
    ['client', dubbo('e2', 0, 2, 'N')],
    ['server', dubbo('22', 20, 2, 'N')],
  ]),
  // https://www.sofastack.tech/projects/sofa-bolt: version 1
  foreign('sofarpc', 12_200, [
    [
      'client',
      bolt('0101000101', 5, '00000bb8', 'com.alipay.sofa.rpc.core.request.SofaRequest', 'O0hello'),
    ],
    [
      'server',
      bolt('0100000201', 5, '0000', 'com.alipay.sofa.rpc.core.response.SofaResponse', 'O0olleh'),
    ],
    ['client', bolt('0101000001', 6, '000003e8', '', '')],
    ['server', bolt('0100000001', 6, '0000', '', '')],
  ]),
  // Thrift's binary protocol in the framed transport: looks like Kafka's length and a number
  foreign('thrift framed', 9090, [
    ['client', counted(4, thrift(1, 'getItem', 1, thriftField))],
    ['server', counted(4, thrift(2, 'getItem', 1, join(hex('0b 0000'), counted(4, 'item'))))],
    ['client', counted(4, thrift(1, 'putItem', 2, thriftField))],
    [
      'server',
      counted(
        4,
        thrift(3, 'putItem', 2, join(hex('0b 0001'), counted(4, 'no'), hex('08 0002 00000006'))),
      ),
    ],
  ]),
  foreign('thrift', 9090, [
    ['client', thrift(1, 'getItem', 1, thriftField)],
    ['server', thrift(2, 'getItem', 1, join(hex('0b 0000'), counted(4, 'item')))],
  ]),
  // Thrift's compact protocol, framed
  foreign('thrift compact', 9090, [
    [
      'client',
      counted(4, hex('8221 01'), counted(1, 'getItem'), hex('18'), counted(1, 'hello'), '\0'),
    ],
    [
      'server',
      counted(4, hex('8241 01'), counted(1, 'getItem'), hex('0800'), counted(1, 'item'), '\0'),
    ],
  ]),
  // CORBA 3.3, part 2, chapter 9
  foreign('giop', 2809, [
    [
      'client',
      giop(
        0,
        be(5, 4),
        hex('03000000 0000 0000'),
        counted(4, 'NameService'),
        hex('00'),
        counted(4, 'get\0'),
        be(0, 4),
      ),
    ],
    ['server', giop(1, be(5, 4), be(0, 4), be(0, 4))],
  ]),
  // Java RMI: the transport protocol
  foreign('rmi', 1099, [
    ['client', 'JRMI\0\x02K'],
    ['server', join('N', counted(2, '192.0.2.2'), be(40_000, 4))],
    ['client', join(counted(2, '192.0.2.2'), be(0, 4), hex('50aced0005770f'), Buffer.alloc(15))],
    ['server', hex('51aced0005770f0100000000000000000000000000')],
  ]),
  // ONC RPC (RFC 5531) with record marking: NFS
  foreign('oncrpc', 2049, [
    [
      'client',
      join(hex('80000028 0000002a 00000000 00000002 000186a3 00000003 00000000'), Buffer.alloc(16)),
    ],
    ['server', join(hex('80000018 0000002a 00000001 00000000'), Buffer.alloc(12))],
  ]),
  // Messages of JSON behind their length, as many in-house protocols have them
  foreign('length-prefixed-json', 7000, [
    ['client', counted(4, '{"id":1,"method":"get","params":["a"]}')],
    ['server', counted(4, '{"id":1,"result":"b"}')],
    ['client', counted(4, '{"id":2,"method":"put","params":["a","c"]}')],
    ['server', counted(4, '{"id":2,"result":null}')],
  ]),
  // Protobuf messages behind their length: a varint, or four bytes
  foreign('length-prefixed-protobuf', 7001, [
    [
      'client',
      counted(4, hex('0801 12'), counted(1, 'get'), hex('1a'), counted(1, 'a'), hex('2001')),
    ],
    ['server', counted(4, hex('0801 1000 1a'), counted(1, 'b'))],
    [
      'client',
      counted(4, hex('0802 12'), counted(1, 'put'), hex('1a'), counted(1, 'a'), hex('2003')),
    ],
    ['server', counted(4, hex('0802 1005'))],
  ]),
  // Length, id and command in little-endian, as many games have them
  foreign('length-id-command', 7002, [
    ['client', join(le(16, 4), le(1, 4), le(3, 2), le(0, 2), 'rcon')],
    ['server', join(le(12, 4), le(1, 4), le(2, 2), le(0, 2))],
    ['client', join(le(18, 4), le(2, 4), le(4, 2), le(0, 2), 'status')],
  ]),
];
