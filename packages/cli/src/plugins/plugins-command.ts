// SPDX-License-Identifier: Apache-2.0
import { exitStatus, warningLine } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import { createColors, wantsColor } from '../format/colors.js';
import type { OutputFormat } from '../trace/trace-options.js';
import { loadAllPlugins } from './choose-plugins.js';
import { describePlugin } from './describe-plugin.js';
import type { PluginFlags } from './plugin-flags.js';
import { renderPlugins } from './render-plugins.js';

/** Options of `libtrace plugins` as commander hands them over. */
export interface PluginsFlags extends PluginFlags {
  readonly format: OutputFormat;
  readonly color: boolean;
}

/** `libtrace plugins`: lists the protocols and sources that are built in and those that --plugin names. */
export async function pluginsCommand(flags: PluginsFlags, deps: Dependencies): Promise<number> {
  const tracing = await deps.loadTracing();
  const { all, sourceProblems } = await loadAllPlugins(flags, tracing, {});
  for (const problem of sourceProblems) deps.writeError(warningLine(problem));
  const plugins = all.map((each) => describePlugin(each, tracing.attributeRegistry));
  const columns = deps.stdoutColumns();
  const colors = createColors(wantsColor(columns !== undefined, flags.color, deps.env));
  await deps.stdout.write(
    flags.format === 'json'
      ? `${JSON.stringify(plugins, undefined, 2)}\n`
      : renderPlugins(plugins, colors),
  );
  return exitStatus.ok;
}
