#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { isOutputStuck } from './output/byte-sink.js';
import { run } from './run.js';

const status = await run(process.argv.slice(2));
// After a second Ctrl-C a write may still wait for its reader, and exit would wait with it: end by the signal itself.
if (isOutputStuck()) process.kill(process.pid, 'SIGINT');
process.exit(status);
