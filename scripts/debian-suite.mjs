// SPDX-License-Identifier: Apache-2.0
// A private apt configuration for another Debian suite, derived from the machine's own apt sources, so that a package
// can be downloaded (never installed) from it. Nothing of the system's own apt state is touched.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Base addresses of the machine's own Debian archive: `{ debian, security }`. */
function archiveAddresses() {
  const rows = execFileSync(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI)|$(ORIGIN)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  ).split('\n');
  const debian = [
    ...new Set(rows.filter((r) => r.endsWith('|Debian')).map((r) => r.slice(0, -'|Debian'.length))),
  ];
  const security = debian.find((uri) => uri.includes('security'));
  const main = debian.find((uri) => !uri.includes('security'));
  if (main === undefined) {
    throw new Error(
      'no Debian archive among the apt sources of this machine (apt-get indextargets lists none)',
    );
  }
  return { debian: main, security: security ?? main.replace(/debian\/?$/, 'debian-security/') };
}

/**
 * Prepares `directory` and runs `apt-get update` for one suite (`trixie`, `bullseye-security`, …) there.
 * @returns {string[]} the `-o` options that make apt-get and apt-cache work on that suite only
 */
export function debianSuite(suite, directory, { architecture, sources = false } = {}) {
  for (const sub of ['state/lists/partial', 'cache/archives/partial', 'parts']) {
    mkdirSync(join(directory, sub), { recursive: true });
  }
  const { debian, security } = archiveAddresses();
  const base = suite.endsWith('-security') ? security : debian;
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  const lines = [`deb ${signed}${base} ${suite} main`];
  if (sources) lines.push(`deb-src ${signed}${base} ${suite} main`);
  writeFileSync(join(directory, 'sources.list'), lines.join('\n') + '\n');
  writeFileSync(join(directory, 'status'), '');
  const options = {
    'Dir::Etc::SourceList': join(directory, 'sources.list'),
    'Dir::Etc::SourceParts': join(directory, 'parts'),
    'Dir::State': join(directory, 'state'),
    'Dir::State::status': join(directory, 'status'),
    'Dir::Cache': join(directory, 'cache'),
    'APT::Sandbox::User': 'root',
    ...(architecture === undefined ? {} : { 'APT::Architecture': architecture }),
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  execFileSync('apt-get', [...flags, '-qq', 'update'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return flags;
}
