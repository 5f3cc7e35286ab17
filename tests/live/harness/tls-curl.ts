// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import { certificate, SERVER_NAME } from './certificate.js';
import { commandOf, type PrivateProgram } from './private-programs.js';
import type { TlsCall } from './tls-calls.js';

/** curl's own account of what it transferred, one line a request. */
const account =
  '%{http_code} %{size_request} %{size_header} %{size_upload} %{size_download} %{local_port}\\n';

/** A command that asks a server on this machine for some paths. */
export function curlCommand(
  curl: PrivateProgram,
  port: number,
  paths: readonly string[],
  options: readonly string[] = [],
): readonly string[] {
  return commandOf(curl, [
    ...['-s', '--cacert', certificate().certificate, '--connect-to', `::127.0.0.1:${port}`],
    ...['-w', account, ...options],
    ...paths.flatMap((path) => ['-o', '/dev/null', `https://${SERVER_NAME}:${port}${path}`]),
  ]);
}

/** What curl and nginx's log say of the calls. */
export function curlCalls(
  output: string,
  paths: readonly string[],
  log: readonly string[],
): TlsCall[] {
  const lines = output.split('\n').filter((line) => line !== '');
  expect(lines).toHaveLength(paths.length);
  return lines.map((line, i) => {
    const [code, request, header, upload, download, port] = line.split(' ').map(Number);
    const logged = log.filter((told) => told.startsWith(`${port!} ${paths[i]!} `));
    expect(logged, `nginx's log of ${paths[i]!}`).toHaveLength(1);
    const [, , status, version, cipher] = logged[0]!.split(' ');
    expect(Number(status)).toBe(code);
    return {
      path: paths[i]!,
      operation: 'GET',
      statusCode: code!,
      requestBody: upload!,
      responseBody: download!,
      clientPort: port!,
      requestBytes: request! + upload!,
      responseBytes: header! + download!,
      tls: { version: version!.replace('TLSv', ''), cipher: cipher! },
    };
  });
}
