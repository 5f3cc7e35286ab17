// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of records and docs/records.md are those of the registry, and real records are valid by it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatJsonLine, toRecordJson } from '@libtrace/cli';
import { type AnyProtocol, attributeRegistry, type PluginFactory } from '@libtrace/core';
import { readFixture, readFixtures, runFixture } from '@libtrace/testkit';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as ajvFormats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { exampleRecords } from '../../scripts/docs/example-records.mjs';
import { formatted } from '../../scripts/docs/generated-file.mjs';
import { recordsPage, recordsPath } from '../../scripts/docs/records-page.mjs';
import { recordSchema, schemaPath } from '../../scripts/docs/schema.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const folders = [
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name)),
  'examples/memcached',
].filter((folder) => existsSync(join(root, folder, 'fixtures')));
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false });
ajvFormats.default.default(ajv);

async function pluginIn(folder: string, showValues: boolean): Promise<AnyProtocol> {
  const module = (await import(join(root, folder, 'src/index.ts'))) as { default: PluginFactory };
  return module.default({ showValues }) as AnyProtocol;
}

describe('the schema of records', () => {
  const validate = ajv.compile(recordSchema(attributeRegistry));

  it('is the file that libtrace prints', async () => {
    const text = JSON.stringify(recordSchema(attributeRegistry));
    expect(read(schemaPath)).toBe(await formatted(schemaPath, text));
  });

  it.each(folders)('accepts every record of the fixtures of %s', async (folder) => {
    const plugin = await pluginIn(folder, true);
    for (const fixture of readFixtures(join(root, folder, 'fixtures'))) {
      for (const record of runFixture(plugin, fixture)) {
        const line: unknown = JSON.parse(formatJsonLine(record));
        expect(validate(line), `${fixture.name}: ${ajv.errorsText(validate.errors)}`).toBe(true);
      }
    }
  });

  it('refuses an attribute of another type', async () => {
    const plugin = await pluginIn('packages/proto-kafka', false);
    const fixture = readFixture(join(root, 'packages/proto-kafka/fixtures/kafkajs-produce.json'));
    const [record] = runFixture(plugin, fixture);
    const json = toRecordJson(record!);
    const attributes = { ...json.attributes, 'libtrace.kafka.correlation_id': '1' };
    expect(validate(json)).toBe(true);
    expect(validate({ ...json, attributes })).toBe(false);
  });
});

describe('the page of records', () => {
  let plugins: AnyProtocol[];
  beforeAll(async () => {
    plugins = await Promise.all(
      ['http', 'mysql', 'kafka'].map((name) => pluginIn(`packages/proto-${name}`, false)),
    );
  });

  it('says what the registry, the schema and the fixtures say', async () => {
    const examples = exampleRecords({ readFixture, runFixture, toRecordJson, plugins });
    const page = await formatted(recordsPath, recordsPage(attributeRegistry, examples));
    expect(read(recordsPath)).toBe(page);
  });
});
