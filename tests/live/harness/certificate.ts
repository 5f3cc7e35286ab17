// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { programPath } from './requirements.js';

/** The name that clients ask for (SNI). */
export const SERVER_NAME = 'tls.test';

/** A key and the certificate that it signed itself, for {@link SERVER_NAME}; made once in a run. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

export function certificate(): Certificate {
  const directory = join(inject('directory'), 'certificate');
  const made = { key: join(directory, 'key.pem'), certificate: join(directory, 'cert.pem') };
  if (existsSync(made.certificate)) return made;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const unfinished = `${made.certificate}.unfinished`;
  execFileSync(
    programPath('openssl')!,
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', `/CN=${SERVER_NAME}`, '-addext', `subjectAltName=DNS:${SERVER_NAME}`],
      ...['-days', '7', '-keyout', made.key, '-out', unfinished],
    ],
    { stdio: 'pipe' },
  );
  renameSync(unfinished, made.certificate);
  return made;
}
