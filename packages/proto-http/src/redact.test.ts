// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Redactor } from './redact.js';

const redactor = new Redactor(true);

describe('query', () => {
  it.each([
    ['token=abc', 'token=REDACTED'],
    ['a=1&access_token=x.y.z&b=2', 'a=1&access_token=REDACTED&b=2'],
    ['API-Key=1;PassWd=2', 'API-Key=REDACTED;PassWd=REDACTED'],
    [
      'AWSAccessKeyId=A&Signature=B&sig=C',
      'AWSAccessKeyId=REDACTED&Signature=REDACTED&sig=REDACTED',
    ],
    ['X-Amz-Signature=a&X-Goog-Signature=b', 'X-Amz-Signature=REDACTED&X-Goog-Signature=REDACTED'],
    ['%74oken=abc', '%74oken=REDACTED'],
    ['%54%4f%4B%45%4E=abc', '%54%4f%4B%45%4E=REDACTED'],
    ['pass%77ord=a=b=c', 'pass%77ord=REDACTED'],
    ['client%5Fsecret=abc', 'client%5Fsecret=REDACTED'],
    ['+token=abc', '+token=REDACTED'],
    ['user[password]=abc', 'user[password]=REDACTED'],
    ['user%5Bpassword%5D=abc', 'user%5Bpassword%5D=REDACTED'],
    ['token[]=abc', 'token[]=REDACTED'],
    ['code=abc&state=x', 'code=REDACTED&state=x'],
    ['token=a&token=b', 'token=REDACTED&token=REDACTED'],
    ['key=1&&key=2', 'key=REDACTED&&key=REDACTED'],
    ['secret=a?token=b', 'secret=REDACTED'],
  ])('hides the value in %j', (query, shown) => {
    expect(redactor.query(query)).toBe(shown);
  });

  it.each([
    '',
    'a',
    'a=b',
    'token',
    'token=',
    'q=token',
    'keyboard=de',
    'tokens_used=5',
    '%zz=%',
    '=x',
  ])('leaves %j alone', (query) => {
    expect(redactor.query(query)).toBe(query);
  });

  it('takes time in proportion to the length', () => {
    const began = performance.now();
    for (const unit of ['a&', 'a=&', '=', 'token=a&', '%', 'a[', ';']) {
      redactor.query(`${unit.repeat(60_000 / unit.length)}=x`);
      redactor.url(`http:${unit.repeat(60_000 / unit.length)}`);
    }
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('url', () => {
  it.each([
    ['http://user:pass@host/p?a=b', 'http://REDACTED:REDACTED@host/p?a=b'],
    ['http://user@host', 'http://REDACTED:REDACTED@host'],
    ['http://a@b:c@host:80/@x', 'http://REDACTED:REDACTED@host:80/@x'],
    ['https://host/p;jsessionid=1?token=2#f', 'https://host/p;jsessionid=REDACTED?token=REDACTED'],
    ['/p?sig=2', '/p?sig=REDACTED'],
    ['//u:p@host', '//REDACTED:REDACTED@host'],
    ['http://host?key=a', 'http://host?key=REDACTED'],
    ['0; url=http://u:p@host/', '0; url=http://REDACTED:REDACTED@host/'],
    ['plain', 'plain'],
  ])('shows %j as %j', (url, shown) => {
    expect(redactor.url(url)).toBe(shown);
  });
});

describe('path', () => {
  it('hides credentials behind semicolons only', () => {
    expect(redactor.path('/a;jsessionid=1/b;v=2')).toBe('/a;jsessionid=REDACTED/b;v=2');
    expect(redactor.path('/token=1/b')).toBe('/token=1/b');
  });

  it('hides user information in a target of no known form', () => {
    expect(redactor.path('http:/u:p@host/a;token=1')).toBe('REDACTED@host/a;token=REDACTED');
    expect(redactor.path('/a@b')).toBe('/a@b');
  });
});

describe('header', () => {
  it.each([
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
    'x-auth-token',
    'x-vault-token',
    'x-amz-security-token',
    'private-token',
    'x-csrf-token',
    'x-goog-api-key',
    'apikey',
  ])('hides %s', (name) => {
    expect(redactor.header(name, 'value')).toBe('REDACTED');
  });

  it('shows others, with the credentials of URLs hidden', () => {
    expect(redactor.header('content-type', 'text/plain')).toBe('text/plain');
    expect(redactor.header('location', 'https://h/cb?code=1')).toBe('https://h/cb?code=REDACTED');
  });
});

describe('options', () => {
  it('shows everything when told to', () => {
    const shown = new Redactor(false);
    expect(shown.query('token=a')).toBe('token=a');
    expect(shown.path('/;token=a')).toBe('/;token=a');
    expect(shown.url('http://u:p@h/')).toBe('http://u:p@h/');
    expect(shown.header('cookie', 'a')).toBe('a');
  });

  it('adds and takes away names', () => {
    const changed = new Redactor({
      headers: ['X-Tenant'],
      queryParameters: ['Account_No'],
      except: ['code', 'X-Request-Token'],
    });
    expect(changed.query('accountNo=1&code=2&token=3')).toBe(
      'accountNo=REDACTED&code=2&token=REDACTED',
    );
    expect(changed.header('x-tenant', 'a')).toBe('REDACTED');
    expect(changed.header('x-request-token', 'a')).toBe('a');
    expect(changed.header('x-auth-token', 'a')).toBe('REDACTED');
  });
});
