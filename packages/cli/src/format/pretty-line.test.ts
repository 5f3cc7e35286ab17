// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../testing/sample-records.js';
import { createColors, wantsColor } from './colors.js';
import { PrettyFormatter } from './pretty-line.js';
import { displayWidth } from './terminal-text.js';

const plain = createColors(false);

function line(record = sampleRecord(), columns?: number): string {
  return new PrettyFormatter(plain, () => columns).line(record);
}

describe('a pretty line', () => {
  it('says who asked whom for what, with which result', () => {
    expect(line().replace(/^\d\d/, 'HH')).toBe(
      'HH:06:07.123 curl/4321               → 127.0.0.1:8080        http  ' +
        'GET /products/3                                  200 1.23ms  78B/1.2K\n',
    );
  });

  it('shows the client as the peer of a server', () => {
    const text = line(sampleRecord({ role: 'server' }));
    expect(text).toContain('← 127.0.0.1:40000 ');
  });

  it('brackets IPv6 and names unix sockets', () => {
    const connection = {
      client: { address: '::1', port: 5 },
      server: { address: '2001:db8::1', port: 80 },
    };
    expect(line(sampleRecord({ connection }))).toContain('→ [2001:db8::1]:80');
    const unix = {
      transport: 'unix' as const,
      client: { address: '', port: 0 },
      server: { address: '/run/app.sock', port: 0 },
    };
    expect(line(sampleRecord({ connection: unix }))).toContain('→ /run/app.sock ');
    expect(line(sampleRecord({ connection: unix, role: 'server' }))).toContain('← /run/app.sock ');
  });

  it.each([80, 100, 120, 200])('fits a terminal of %d columns', (columns) => {
    const formatter = new PrettyFormatter(plain, () => columns);
    const path = `/a/very/long/path/${'segment/'.repeat(40)}`;
    const record = sampleRecord({
      attributes: { ...sampleRecord().attributes, 'url.path': path },
      process: { comm: 'fifteen-letters', pid: 4_194_304 },
      connection: {
        client: { address: '::1', port: 5 },
        server: { address: '2001:db8:1111:2222:3333:4444:5555:6666', port: 65_535 },
      },
    });
    for (const missing of [[], ['response.body'], ['request', 'response.size']] as const) {
      const text = formatter.line({ ...record, missing, complete: missing.length === 0 });
      expect(displayWidth(text.trimEnd())).toBeLessThanOrEqual(columns);
      expect(text).toContain(':65535 ');
      expect(text).toContain('/4194304');
    }
    expect(formatter.header().trimEnd().length).toBeLessThanOrEqual(columns);
  });

  it('keeps its columns aligned on a terminal once widths have grown', () => {
    const formatter = new PrettyFormatter(plain, () => 120);
    const wide = sampleRecord({ process: { comm: 'shop-client', pid: 123_456 } });
    formatter.line(wide);
    expect(formatter.line(sampleRecord()).indexOf('→')).toBe(formatter.line(wide).indexOf('→'));
  });

  it('cuts nothing when the output is not a terminal', () => {
    const path = `/${'x'.repeat(500)}`;
    const attributes = { ...sampleRecord().attributes, 'url.path': path };
    expect(line(sampleRecord({ attributes }))).toContain(path);
  });

  it('escapes what a traced program controls', () => {
    const attack = '\u001b]0;owned\u0007\n2026';
    const text = line(
      sampleRecord({
        operation: attack,
        process: { comm: attack },
        attributes: { 'url.path': attack, 'http.request.method_original': attack },
        connection: {
          transport: 'unix',
          client: { address: attack, port: 0 },
          server: { address: attack, port: 0 },
        },
      }),
    );
    expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
    expect(text).toContain('\\x1b]0;owned\\x07\\n2026');
    const server = { address: attack, port: 1 };
    expect(line(sampleRecord({ connection: { server } }))).toContain('\\x1b]0;owned\\x07\\n2026:1');
  });

  it('marks missing content quietly and missing messages loudly', () => {
    const colors = createColors(true);
    const formatter = new PrettyFormatter(colors, () => undefined);
    expect(formatter.line(sampleRecord({ missing: ['response.body'] }))).toContain(
      colors.dim('~response.body'),
    );
    expect(formatter.line(sampleRecord({ missing: ['request'] }))).toContain(
      colors.yellow('!request'),
    );
    const unanswered = sampleRecord({ status: 'unanswered', missing: ['response'] });
    expect(formatter.line(unanswered)).toContain(colors.red('!unanswered'));
    expect(formatter.line(unanswered)).toContain('---');
  });

  it('says when a size is a lower bound', () => {
    expect(line(sampleRecord({ missing: ['response.size'] }))).toContain(' 78B/1.2K+');
  });

  it('colours the status by class, and nothing without colour', () => {
    const colors = createColors(true);
    const formatter = new PrettyFormatter(colors, () => 120);
    const withCode = (code: number): string =>
      formatter.line(sampleRecord({ attributes: { 'http.response.status_code': code } }));
    expect(withCode(204)).toContain(colors.green('204'));
    expect(withCode(302)).toContain(colors.cyan('302'));
    expect(withCode(404)).toContain(colors.yellow('404'));
    expect(withCode(503)).toContain(colors.red('503'));
    expect(line()).not.toContain('\u001b');
  });

  it('uses the status where the protocol has no code', () => {
    const text = (status: 'ok' | 'server-error' | 'unknown'): string =>
      line(sampleRecord({ protocol: 'redis', operation: 'SET', status, attributes: {} }));
    expect(text('ok')).toMatch(/redis SET\s+ok /);
    expect(text('server-error')).toMatch(/SET\s+ERR /);
    expect(text('unknown')).toMatch(/SET\s+\? /);
  });
});

describe('a line of plaintext above TLS', () => {
  const tls = sampleRecord({ source: 'openssl', connection: { transport: 'tls' } });

  it('says so behind the protocol, and has addresses as any other', () => {
    expect(line(tls)).toContain('→ 127.0.0.1:8080        http+tls GET /products/3 ');
    const grpc = { ...tls, attributes: { 'rpc.system': 'grpc', 'rpc.method': 'Get' } };
    expect(line(grpc)).toContain(' grpc+tls ');
  });

  it('paints the mark', () => {
    const colors = createColors(true);
    const text = new PrettyFormatter(colors, () => undefined).line(tls);
    expect(text).toContain(`http${colors.cyan('+tls')} `);
  });

  it('is aligned with others where both may come', () => {
    const formatter = new PrettyFormatter(plain, () => undefined, true);
    expect(formatter.line(tls).indexOf('GET')).toBe(formatter.line(sampleRecord()).indexOf('GET'));
  });

  it('keeps the mark of a protocol with a long name on a terminal', () => {
    const formatter = new PrettyFormatter(plain, () => 100);
    const long = { ...tls, protocol: 'a-protocol-with-a-name' };
    const texts = [formatter.line(long), formatter.line(sampleRecord()), formatter.line(tls)];
    expect(texts[0]).toContain(' a-protoco…+tls ');
    expect(texts[2]).toContain(' http+tls ');
    expect(new Set(texts.map((text) => text.indexOf('200 1.23ms'))).size).toBe(1);
    for (const text of texts) expect(displayWidth(text.trimEnd())).toBeLessThanOrEqual(100);
  });

  it.each(['client', 'server', 'unknown'] as const)(
    'does without addresses when the socket was not found: %s',
    (role) => {
      const nowhere = { address: '', port: 0 };
      const connection = { transport: 'tls' as const, client: nowhere, server: nowhere };
      for (const columns of [undefined, 80, 120]) {
        expect(line(sampleRecord({ role, connection }), columns)).toMatch(/[→←↔] \? .*GET/);
      }
      const nobody = { role, connection, process: { pid: 0 } };
      expect(line(sampleRecord(nobody))).toMatch(/ → \? .*GET/);
    },
  );

  it('names the unix socket that carries it', () => {
    const connection = {
      transport: 'tls' as const,
      client: { address: '', port: 0 },
      server: { address: '/run/app.sock', port: 0 },
    };
    expect(line(sampleRecord({ connection }))).toContain('→ /run/app.sock ');
    expect(line(sampleRecord({ connection, role: 'server' }))).toContain('← /run/app.sock ');
  });
});

describe('wantsColor', () => {
  it('follows terminal, option and environment', () => {
    expect(wantsColor(true, true, {})).toBe(true);
    expect(wantsColor(false, true, {})).toBe(false);
    expect(wantsColor(true, false, {})).toBe(false);
    expect(wantsColor(true, true, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor(true, true, { TERM: 'dumb' })).toBe(false);
    expect(wantsColor(false, true, { FORCE_COLOR: '1' })).toBe(true);
    expect(wantsColor(true, true, { FORCE_COLOR: '0' })).toBe(false);
  });
});
