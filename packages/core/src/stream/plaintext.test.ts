// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { ConnectionInfo } from '../plugin/index.js';
import type { PipelineOptions } from './pipeline-types.js';
import { hellos, record } from './tls/hello.test-support.js';
import {
  connectionInfo,
  pairs,
  TestConnection,
  testPipeline,
  testProcess,
  toyMessage,
  toyParser,
  toyProtocol,
  type ToyOptions,
} from './toy-protocol.test-support.js';

const nowhere = { address: '', port: 0 };
const carrierInfo = connectionInfo();
const plaintextInfo: ConnectionInfo = {
  id: 2 ** 52,
  transport: 'tls',
  role: 'unknown',
  local: nowhere,
  remote: nowhere,
  midstream: false,
  source: 'openssl',
};

/** A carrier (1, a server), and plaintext that is not bound yet. */
function setUp(options: Partial<PipelineOptions> & { toy?: ToyOptions } = {}) {
  const { pipeline, connection, ...rest } = testPipeline({ plaintext: true, ...options });
  const plaintext = new TestConnection(pipeline, plaintextInfo);
  return { pipeline, carrier: connection, plaintext, ...rest };
}

function exchange(connection: TestConnection, id: number): void {
  connection.move('in', toyMessage('Q', id, 5));
  connection.move('out', toyMessage('S', id, 5));
}

function shakeHands(carrier: TestConnection): void {
  carrier.move('in', hellos.client);
  carrier.move('out', hellos.server);
}

describe('plaintext', () => {
  it('is read like any stream, with the addresses of the socket that carries it', () => {
    const { pipeline, plaintext, records } = setUp();
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 1);
    expect(pairs(records)).toEqual(['1/1']);
    expect(records[0]).toMatchObject({ role: 'server', source: 'openssl' });
    expect(records[0]?.connection).toEqual({
      id: 2 ** 52,
      transport: 'tls',
      client: carrierInfo.remote,
      server: carrierInfo.local,
      tls: {},
    });
    expect(JSON.parse(JSON.stringify(records[0]))).toMatchObject({ connection: { tls: {} } });
  });

  it('waits a second for a request, the event of which comes with the return of a call', () => {
    const { pipeline, plaintext, records } = setUp();
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 1);
    const request = plaintext.make('in', toyMessage('Q', 2, 5));
    plaintext.move('out', toyMessage('S', 2, 5));
    plaintext.tick(900);
    expect(pairs(records)).toEqual(['1/1']);
    plaintext.deliver(request);
    expect(pairs(records)).toEqual(['1/1', '2/2']);
  });

  it('has no addresses before its socket is known', () => {
    const { pipeline, plaintext, records } = setUp();
    exchange(plaintext, 1);
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 2);
    expect(records.map(({ role, connection }) => [role, connection.client])).toEqual([
      ['server', nowhere],
      ['server', carrierInfo.remote],
    ]);
  });

  it('takes the role of its socket, unless it has one', () => {
    const { pipeline, plaintext, records } = setUp();
    plaintext.move('out', toyMessage('S', 1, 5));
    pipeline.bind(plaintext.id, connectionInfo({ role: 'client' }));
    plaintext.move('out', toyMessage('Q', 2, 5));
    plaintext.move('in', toyMessage('S', 2, 5));
    expect(records.at(-1)).toMatchObject({ role: 'client', operation: '2' });
    const known = new TestConnection(pipeline, {
      ...plaintextInfo,
      id: 2 ** 52 + 1,
      role: 'server',
    });
    pipeline.bind(known.id, connectionInfo({ role: 'client' }));
    exchange(known, 3);
    expect(records.at(-1)).toMatchObject({ role: 'server', operation: '3' });
  });

  it('learns the role when its socket does', () => {
    const rules = [{ says: 'either', when: { kind: 'bytes', at: 0, anyOf: ['~'] } }] as const;
    const { pipeline, plaintext, records } = setUp({ toy: { inference: { rules } } });
    pipeline.bind(plaintext.id, connectionInfo({ role: 'unknown' }));
    pipeline.role(carrierInfo.id, 'client');
    // Who is heard first would be taken for the one who asks.
    plaintext.move('in', toyMessage('S', 9, 5));
    plaintext.move('out', toyMessage('Q', 1, 5));
    plaintext.move('in', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['-/9 ok !request', '1/1']);
    expect(records[1]).toMatchObject({ role: 'client' });
  });

  it('is looked at by the plugin that names a port of its socket first', () => {
    const rule = { says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } } as const;
    const plugins = ['first', 'second'].map((name, i) =>
      toyProtocol({ name, inference: { rules: [rule], ...(i === 1 ? { ports: [7000] } : {}) } }),
    );
    const { pipeline, plaintext, verdicts } = setUp({ plugins });
    plaintext.move('in', Buffer.from('?'));
    pipeline.bind(plaintext.id, carrierInfo);
    plaintext.move('in', toyMessage('Q', 1, 5));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'second' }]);
  });

  it('is never taken for TLS itself', () => {
    const { plaintext, pipeline, verdicts } = setUp();
    plaintext.move('in', record(Buffer.from('x')));
    exchange(plaintext, 1);
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
    expect(pipeline.stats().encryptedConnections).toBe(0);
  });

  it('is counted, and counted as unbound when it ends without a socket', () => {
    const { pipeline, plaintext } = setUp();
    const bound = new TestConnection(pipeline, { ...plaintextInfo, id: 2 ** 52 + 1 });
    const early = new TestConnection(pipeline, {
      ...plaintextInfo,
      id: 2 ** 52 + 2,
      carrier: carrierInfo.id,
    });
    const open = new TestConnection(pipeline, { ...plaintextInfo, id: 2 ** 52 + 3 });
    pipeline.bind(bound.id, carrierInfo);
    for (const each of [plaintext, bound, early]) each.close();
    expect(pipeline.stats()).toMatchObject({ plaintextConnections: 4, unboundConnections: 1 });
    open.move('in', toyMessage('Q', 1, 5));
    pipeline.finish(open.nowNs);
    expect(pipeline.stats()).toMatchObject({ plaintextConnections: 4, unboundConnections: 2 });
  });
});

describe('the handshake of a carrier', () => {
  it('is shown with plaintext that was bound before, and with what is bound later', () => {
    const { pipeline, carrier, plaintext, records } = setUp();
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 1);
    carrier.move('in', hellos.client);
    exchange(plaintext, 2);
    carrier.move('out', hellos.server);
    exchange(plaintext, 3);
    const late = new TestConnection(pipeline, { ...plaintextInfo, id: 2 ** 52 + 1 });
    pipeline.bind(late.id, carrierInfo);
    exchange(late, 4);
    const { serverName } = hellos.info;
    expect(records.map(({ connection }) => connection.tls)).toEqual([
      {},
      { serverName },
      hellos.info,
      hellos.info,
    ]);
  });

  it('is read before nothing more is wanted', () => {
    const { carrier, verdicts } = setUp();
    carrier.move('in', hellos.client.subarray(0, 5));
    for (const byte of hellos.client.subarray(5)) carrier.move('in', Buffer.from([byte]));
    carrier.move('out', hellos.server.subarray(0, 20));
    expect(verdicts).toEqual([]);
    carrier.move('out', hellos.server.subarray(20));
    expect(verdicts).toEqual([{ kind: 'ignore' }]);
    carrier.move('out', hellos.server);
    expect(verdicts).toHaveLength(1);
  });

  it('is read from what was kept while it might have been something else', () => {
    const rules = [{ says: 'request', when: { kind: 'bytes', at: 30, anyOf: ['~'] } }] as const;
    const { carrier, pipeline, plaintext, records } = setUp({
      plugins: [toyProtocol(), toyProtocol({ name: 'other', inference: { rules } })],
    });
    carrier.move('in', hellos.client.subarray(0, 3));
    carrier.move('in', hellos.client.subarray(3));
    carrier.move('out', hellos.server);
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 1);
    expect(records[0]?.connection.tls).toEqual(hellos.info);
  });

  it('is not read where no plaintext is', () => {
    const { carrier, verdicts, pipeline } = setUp({ plaintext: false });
    carrier.move('in', hellos.client);
    expect(verdicts).toEqual([{ kind: 'ignore' }]);
    expect(pipeline.stats().encryptedConnections).toBe(1);
  });

  it('is not waited for when it was missed', () => {
    const { carrier, verdicts } = setUp();
    carrier.move('in', record(Buffer.alloc(40), 23));
    expect(verdicts).toEqual([{ kind: 'ignore' }]);
  });

  it('gives its memory back', () => {
    const { carrier, pipeline } = setUp();
    carrier.move('in', hellos.client.subarray(0, 40));
    expect(pipeline.stats().bufferedBytes).toBeGreaterThan(0);
    carrier.close();
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });

  it('survives an exchange of the plugins', () => {
    const { carrier, pipeline, plaintext, records, verdicts } = setUp();
    pipeline.bind(plaintext.id, carrierInfo);
    carrier.move('in', hellos.client);
    pipeline.setPlugins([toyProtocol()]);
    carrier.move('out', hellos.server);
    exchange(plaintext, 1);
    expect(records[0]?.connection.tls).toEqual(hellos.info);
    expect(verdicts.filter(({ kind }) => kind !== 'protocol')).toEqual([{ kind: 'ignore' }]);
  });

  it.each(['tls', 'opaque'])('is read behind a protocol that hands over to %s', (to) => {
    const asks = Buffer.from('~starttls');
    const onParse: ToyOptions['onParse'] = (side, view) =>
      view.matches('~starttls') ? { status: 'switch', to, consumed: asks.length } : undefined;
    const { carrier, pipeline, plaintext, records, verdicts } = setUp({ toy: { onParse } });
    exchange(carrier, 1);
    // The beginning of the hello comes with the last bytes in the clear.
    carrier.move('in', Buffer.concat([asks, hellos.client.subarray(0, 7)]));
    carrier.move('in', hellos.client.subarray(7));
    expect(pipeline.stats().encryptedConnections).toBe(1);
    carrier.move('out', hellos.server);
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }, { kind: 'ignore' }]);
    pipeline.bind(plaintext.id, carrierInfo);
    expect(pipeline.stats().encryptedConnections).toBe(0);
    exchange(plaintext, 2);
    expect(records.map(({ connection }) => connection.tls)).toEqual([undefined, hellos.info]);
  });

  it('is not looked for in what is no TLS', () => {
    const onParse: ToyOptions['onParse'] = (side, view) =>
      view.matches('~upgrade') ? { status: 'switch', to: 'opaque', consumed: 8 } : undefined;
    const { carrier, pipeline, verdicts } = setUp({ toy: { onParse } });
    exchange(carrier, 1);
    carrier.move('in', Buffer.from('~upgrade'));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
    carrier.move('out', Buffer.from('something'));
    expect(verdicts.at(-1)).toEqual({ kind: 'ignore' });
    expect(pipeline.stats()).toMatchObject({ encryptedConnections: 0, unrecognizedConnections: 0 });
  });

  it('is read from a response that waited when the protocol handed over', () => {
    const onParse: ToyOptions['onParse'] = (side, view) =>
      view.matches('~tls') ? { status: 'switch', to: 'tls', consumed: 4 } : undefined;
    const { carrier, pipeline, plaintext, records } = setUp({ toy: { onParse } });
    exchange(carrier, 1);
    const asks = carrier.make('in', Buffer.from('~tls'));
    const hello = carrier.make('in', hellos.client);
    // The answer overtakes the events of what it answers.
    carrier.move('out', hellos.server.subarray(0, 30));
    carrier.move('out', hellos.server.subarray(30));
    carrier.deliver(asks);
    carrier.deliver(hello);
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 2);
    expect(records.at(-1)?.connection.tls).toEqual(hellos.info);
  });
});

describe('a carrier', () => {
  it('is not among the encrypted connections, whenever that becomes known', () => {
    const { pipeline, carrier, plaintext } = setUp();
    const early = connectionInfo({ id: 2 });
    const other = new TestConnection(pipeline, {
      ...plaintextInfo,
      id: 2 ** 52 + 1,
      carrier: early.id,
    });
    shakeHands(carrier);
    expect(pipeline.stats().encryptedConnections).toBe(1);
    pipeline.bind(plaintext.id, carrierInfo);
    pipeline.bind(plaintext.id, carrierInfo);
    expect(pipeline.stats().encryptedConnections).toBe(0);
    shakeHands(new TestConnection(pipeline, early));
    other.close();
    expect(pipeline.stats().encryptedConnections).toBe(0);
    shakeHands(new TestConnection(pipeline, connectionInfo({ id: 3 })));
    expect(pipeline.stats().encryptedConnections).toBe(1);
  });

  it('is not among the unrecognized ones either', () => {
    const { pipeline, carrier, plaintext } = setUp();
    for (let i = 0; i < 20; i++) carrier.move('in', Buffer.from('the rest of a record'));
    expect(pipeline.stats().unrecognizedConnections).toBe(1);
    pipeline.bind(plaintext.id, carrierInfo);
    carrier.close();
    expect(pipeline.stats().unrecognizedConnections).toBe(0);
  });

  it('ends what it carries, behind what was handed over before', () => {
    const { pipeline, carrier, plaintext, records } = setUp();
    pipeline.bind(plaintext.id, carrierInfo);
    shakeHands(carrier);
    exchange(plaintext, 1);
    plaintext.move('in', toyMessage('Q', 2, 5));
    carrier.close();
    expect(pairs(records)).toEqual(['1/1', '2/- unanswered !response']);
    expect(records[1]?.connection.tls).toEqual(hellos.info);
    plaintext.close();
    carrier.close();
    expect(records).toHaveLength(2);
    expect(pipeline.stats()).toMatchObject({ openConnections: 0, unboundConnections: 0 });
  });

  it('may carry one connection after the other', () => {
    const { pipeline, carrier, plaintext, records } = setUp();
    shakeHands(carrier);
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 1);
    plaintext.close();
    const next = new TestConnection(pipeline, { ...plaintextInfo, id: 2 ** 52 + 1 });
    pipeline.bind(next.id, carrierInfo);
    exchange(next, 2);
    carrier.close();
    expect(records.map(({ connection }) => connection.tls)).toEqual([hellos.info, hellos.info]);
    expect(pipeline.stats().openConnections).toBe(0);
  });

  it('may be another one than was thought', () => {
    const { pipeline, carrier, plaintext } = setUp();
    const other = new TestConnection(pipeline, connectionInfo({ id: 2 }));
    pipeline.bind(plaintext.id, carrierInfo);
    pipeline.bind(plaintext.id, connectionInfo({ id: 2 }));
    carrier.close();
    expect(pipeline.stats().openConnections).toBe(2);
    other.close();
    expect(pipeline.stats().openConnections).toBe(0);
  });

  it('need not be known, nor what it carries', () => {
    const { pipeline, plaintext, records } = setUp();
    pipeline.bind(7, carrierInfo);
    pipeline.bind(plaintext.id, connectionInfo({ id: 99 }));
    exchange(plaintext, 1);
    pipeline.close(99, -1, -1, plaintext.nowNs, testProcess);
    expect(records[0]?.connection.tls).toEqual({});
  });

  it('is nothing that a damaged recording says to carry itself, or what carries it', () => {
    const { pipeline } = testPipeline({ plaintext: true });
    const carried = (id: number, carrier: number) =>
      pipeline.open({ ...plaintextInfo, id, carrier });
    pipeline.open({ ...carrierInfo, id: 5, carrier: 5 });
    carried(6, 7);
    carried(7, 6);
    for (const id of [5, 6, 7]) {
      pipeline.role(id, 'server');
      pipeline.close(id, -1, -1, 1, undefined);
    }
    // The one that every test begins with.
    expect(pipeline.stats().openConnections).toBe(1);
  });

  it('is not itself', () => {
    const { pipeline, plaintext } = setUp();
    pipeline.bind(plaintext.id, connectionInfo({ id: plaintext.id }));
    pipeline.role(plaintext.id, 'server');
    plaintext.close();
    expect(pipeline.stats().openConnections).toBe(1);
  });
});

describe('a parser that takes plaintext', () => {
  it('is told that it is that', () => {
    const seen: ConnectionInfo[] = [];
    const plugin = toyProtocol();
    const { pipeline, plaintext } = setUp({
      plugins: [
        {
          ...plugin,
          createParser: (info: ConnectionInfo) => {
            seen.push(info);
            return toyParser();
          },
        },
      ],
    });
    pipeline.bind(plaintext.id, carrierInfo);
    exchange(plaintext, 1);
    expect(seen).toEqual([
      { ...carrierInfo, ...{ id: plaintext.id, transport: 'tls', source: 'openssl', carrier: 1 } },
    ]);
  });
});
