#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { fixtureCommand } from './fixture/fixture-command.js';

process.exitCode = await fixtureCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
