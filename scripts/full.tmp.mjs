import { checkPlugin, formatReport } from '@libtrace/testkit';
import { pluginsWithFixtures } from './plugins-with-fixtures.mjs';
for (const p of await pluginsWithFixtures()) {
  if (!process.argv.slice(2).includes(p.name)) continue;
  const t = process.cpuUsage();
  const r = await checkPlugin(p.factory, { fixtures: p.fixtures, effort: 'full', ...p.rules });
  const u = process.cpuUsage(t);
  console.log(formatReport(r)); console.log((u.user+u.system)/1e6, 'cpu s');
}
