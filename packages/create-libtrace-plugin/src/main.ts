#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { createCommand } from './command.js';

process.exitCode = createCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
