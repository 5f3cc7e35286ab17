// SPDX-License-Identifier: Apache-2.0
// `npm start`: sets up what is missing, then runs the demo.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runMain } from './setup-error.mjs';
import { root, setup } from './setup.mjs';

await runMain(async () => {
  await setup();
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'packages/cli/dist/main.js'), 'demo'],
    { stdio: 'inherit' },
  );
  return status ?? 1;
});
