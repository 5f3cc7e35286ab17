// SPDX-License-Identifier: Apache-2.0
import { validatePlugin } from '@libtrace/core';
import type { CheckContext } from './context.js';

/** The plugin object is what core takes, and two calls of its factory do not share it. */
export function checkRules(context: CheckContext): void {
  const report = (problem: string, reproduce: string): void =>
    context.report({ where: 'the plugin object', problem, reproduce });
  const plugin = context.make();
  try {
    validatePlugin(plugin);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error), 'validatePlugin(plugin)');
    return;
  }
  if (context.fixtures.length === 0) {
    report('there are no fixtures to check it with', 'checkPlugin(plugin, { fixtures: [] })');
  }
  const rules = JSON.stringify(plugin.inference.rules);
  if (JSON.stringify(context.make().inference.rules) !== rules) {
    report('its inference rules differ from one instance to the next', 'factory().inference.rules');
  }
}
