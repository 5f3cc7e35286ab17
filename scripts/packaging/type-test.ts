// SPDX-License-Identifier: Apache-2.0
// Compiled against the packed packages: the type of a record follows from the plugins.
import { createReader, createTracer, Pipeline, type RecordOf, type TlsInfo } from '@libtrace/core';
import { http, type HttpAttributes } from '@libtrace/proto-http';
import { kafka } from '@libtrace/proto-kafka';
import { mysql, type MysqlAttributes } from '@libtrace/proto-mysql';
import { go } from '@libtrace/uprobe-go';
import { openssl } from '@libtrace/uprobe-openssl';
import { checkPlugin, conversation, expectRecords, runFixture } from '@libtrace/testkit';
import { memcached, type MemcachedAttributes } from 'libtrace-plugin-memcached';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function isTrue<T extends true>(): T | undefined {
  return undefined;
}

export async function live(): Promise<void> {
  await using tracer = createTracer({
    plugins: [http({ requestHeaders: ['x-request-id'] }), mysql(), memcached()],
    target: { all: true },
  });
  for await (const record of tracer) {
    isTrue<Equal<(typeof record)['protocol'], 'http' | 'mysql' | 'memcached'>>();
    if (record.protocol === 'memcached') {
      isTrue<Equal<(typeof record)['attributes'], MemcachedAttributes>>();
      const hits: number | undefined = record.attributes['libtrace.memcached.hit_count'];
      console.log(hits);
      // @ts-expect-error an attribute of another protocol
      console.log(record.attributes['http.request.method']);
    } else if (record.protocol === 'mysql') {
      isTrue<Equal<(typeof record)['attributes'], MysqlAttributes>>();
    } else {
      isTrue<Equal<(typeof record)['attributes'], HttpAttributes>>();
    }
    // @ts-expect-error a plugin that is not installed
    if (record.protocol === 'kafka') console.log(record.status);
  }
}

/** Sources of plaintext stand beside protocols and have no records of their own. */
export async function aboveTls(): Promise<void> {
  const plugins = [http(), openssl(), go()] as const;
  await using tracer = createTracer({
    plugins,
    target: { all: true },
    uprobes: { match: { go: /server/ }, delayMs: 100 },
  });
  for await (const record of tracer) {
    isTrue<Equal<(typeof record)['protocol'], 'http'>>();
    isTrue<Equal<(typeof record)['attributes'], HttpAttributes>>();
    const tls: TlsInfo | undefined = record.connection.tls;
    console.log(tls?.version);
  }
  for (const { source, reason } of tracer.report().binaries) console.log(source, reason);
}

export async function offline(): Promise<void> {
  for await (const record of createReader({ plugins: [kafka()], file: 'x.ltrec' })) {
    isTrue<Equal<(typeof record)['protocol'], 'kafka'>>();
  }
}

export async function tested(): Promise<void> {
  const fixture = conversation([['client', 'get a\r\n']]);
  const records = runFixture(memcached(), fixture);
  isTrue<Equal<(typeof records)[number], RecordOf<ReturnType<typeof memcached>>>>();
  expectRecords(records).toEqual([{ operation: 'get' }]);
  const { ok } = await checkPlugin(memcached, { fixtures: [fixture] });
  console.log(ok, Pipeline);
  // @ts-expect-error a plugin is made by a factory
  await checkPlugin(memcached(), { fixtures: [] });
}
