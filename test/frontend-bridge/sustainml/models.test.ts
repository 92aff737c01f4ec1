import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkAccess } from '../../../frontend-bridge/sustainml/access.js';
import { type CatalogueModel, compareModels, modelsInfo } from '../../../frontend-bridge/sustainml/models.js';

const ROOT = join(import.meta.dirname, '../../..');
const { models } = JSON.parse(readFileSync(join(ROOT, 'nodes/sustainml/data/models.json'), 'utf8')) as {
  models: CatalogueModel[];
};
const catalogue = () => models;

describe('what is known of models', () => {
  it('is asked of the hub, with its token, only for what the catalogue does not have', async () => {
    const asked: [string, unknown][] = [];
    const fetch = (async (url: string, init: RequestInit) => {
      asked.push([url, init.headers]);
      if (url.includes('slow')) throw new Error('no route');
      if (url.includes('gone')) return new Response('{"error":"x"}', { status: 404 });
      return new Response('{"modelId":"a/b","cardData":{"license":"mit"}}');
    }) as typeof globalThis.fetch;
    const hub = { token: 'hf_secret', fetch };
    const found = await modelsInfo({ catalogue, hub }, { model_ids: ['yolo11n', 'a/b', 'a/slow', 'a/gone'] });
    expect(found).toMatchObject({
      models: [
        { model_id: 'yolo11n', status: 200 },
        { model_id: 'a/b', status: 200, info: { cardData: { license: 'mit' } } },
        { model_id: 'a/slow', status: 0, info: {} },
        { model_id: 'a/gone', status: 404, info: {} },
      ],
      errors: [{ model_id: 'a/slow' }, { model_id: 'a/gone' }],
    });
    expect(asked.map(([url]) => new URL(url).pathname)).toEqual([
      '/api/models/a/b',
      '/api/models/a/slow',
      '/api/models/a/gone',
    ]);
    expect(asked[0]![1]).toEqual({ authorization: 'Bearer hf_secret' });
    expect(JSON.stringify(found)).not.toContain('hf_secret');
  });

  it.each(['../x', 'a/../b', 'a/b/c', 'a?b', 'a b', '', '.', 'https://page.example', 7, null])(
    'leads nowhere for %j',
    async (id) => {
      const fetch = (() => Promise.reject(new Error('was asked'))) as unknown as typeof globalThis.fetch;
      const found = await modelsInfo({ catalogue, hub: { token: 't', fetch } }, { model_ids: [id] });
      expect(found).toMatchObject({ models: [{ status: 0, error: 'not the name of a model' }] });
    },
  );

  it('is compared for five at most, in the shapes of the original', () => {
    const many = Array.from({ length: 9 }, (_, at) => ({ model_id: models[at]!.name, info: {} }));
    const { model_cards, comparison_table } = compareModels({ catalogue }, { models: many }) as {
      model_cards: unknown[];
      comparison_table: unknown[];
    };
    expect([model_cards.length, comparison_table.length]).toEqual([5, 5]);
    const odd = compareModels({ catalogue }, { models: [{}, { info: { tags: [7], cardData: [] } }] });
    expect(odd).toMatchObject({ comparison_summary: expect.stringContaining('none') });
  });
});

describe('who may use the facade', () => {
  const own = { host: '127.0.0.1:5001' };
  it.each<[Record<string, string>]>([
    [own],
    [{ host: 'localhost:5001' }],
    [{ host: '[::1]:5001' }],
    [{}],
    [{ ...own, origin: 'http://127.0.0.1:5001' }],
    [{ ...own, 'sec-fetch-site': 'none' }],
  ])('is %j', (headers) => {
    expect(() => checkAccess(headers, [])).not.toThrow();
  });

  it.each<[Record<string, string>]>([
    [{ host: 'page.example' }],
    [{ host: '127.0.0.1.page.example' }],
    [{ host: '10.0.0.1:5001' }],
    [{ host: 'localhost.page.example:5001' }],
    [{ ...own, origin: 'null' }],
    [{ ...own, origin: 'http://localhost:5001' }],
    [{ ...own, origin: 'https://127.0.0.1:5001' }],
    [{ ...own, 'sec-fetch-site': 'cross-site' }],
    [{ ...own, 'sec-fetch-site': 'same-site' }],
  ])('is not %j', (headers) => {
    expect(() => checkAccess(headers, [])).toThrow(expect.objectContaining({ status: 403 }));
  });

  it('is nobody with two Host headers', () => {
    expect(() => checkAccess(own, ['Host', 'a', 'host', 'b'])).toThrow(
      expect.objectContaining({ status: 400 }),
    );
  });
});

it('documents every code that it gives', () => {
  const folder = join(ROOT, 'frontend-bridge/sustainml');
  const page = readFileSync(join(ROOT, 'docs/from-sustainml.md'), 'utf8');
  const codes = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/(?:Refused\(\s*\d+,|bad\()\s*'([a-z_]+)'/g)].map(
      ([, code]) => code!,
    ),
  );
  expect(new Set(codes).size).toBeGreaterThan(10);
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
