/** Bodies of every request that has one, against a gateway and an orchestrator with a node, in this process. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as ConfigFile from '../../src/config/config.js';
import type * as Sdk from '../../src/sdk/index.js';
import type * as Up from '../../src/server/up.js';
import { graphFiles, YAML_WORDS } from './graphs.js';
import type { FuzzTarget } from './guided.js';

const INPUT_BYTES = 65_536;
/** Refused from then on: what is unfinished is held in memory. */
const MOST_TASKS = 200;

const JSON_WORDS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '[[[[',
    '{"a":',
    ',',
    ':',
    '"',
    '\\',
    '"\\ud800"',
    '"\\u0000"',
    '\ufeff',
    'null',
    'true',
  ],
  ...['1e400', '-0', '1.0', '9007199254740993', '123456789012345678901234567890', '1e-400', '"__proto__":{}'],
  ...[
    '"graph":"one"',
    '"input":{}',
    '"title":"\u202e"',
    '"priority":101',
    '"problems":[',
    '"reuse":["work"]',
  ],
  ...['"overrides":{"work":{"problem":1}}', '"parent_iteration_id":1', '"command":"stop"', '"module":"work"'],
  ...['"reason":"x"', '"configuration":"x"', '"timeout_ms":1', '"constructor"', '\u0000', '\u00ff', 'é'],
];

interface Route {
  readonly method: 'POST' | 'PUT';
  readonly path: (body: Buffer) => string;
  readonly type: string;
  readonly bodies: readonly (string | Buffer)[];
}

export async function bodiesTarget(root: string, folder: string): Promise<FuzzTarget> {
  const built = (file: string) => import(pathToFileURL(join(root, 'dist/src', file)).href);
  const { up } = (await built('server/up.js')) as typeof Up;
  const { loadConfig } = (await built('config/config.js')) as typeof ConfigFile;
  const { node } = (await built('sdk/index.js')) as typeof Sdk;
  const flags = {
    ...{ data: join(folder, 'data'), httpPort: '0', controlPort: '0', outputsPort: '0', eventsPort: '0' },
    ...{ maxTasks: String(MOST_TASKS), logLevel: 'silent', graph: [join(root, 'test/e2e/graphs/one.yaml')] },
  };
  const running = await up(loadConfig({ flags, env: {} }), {
    onLost: (error) => {
      throw error;
    },
  });
  const { http, control } = running!.ready;
  // It owns this process: to stop it would end the process before its report.
  await node('work', () => ({ done: true }), {
    control,
    instance: 'worker',
    capacity: 4,
  }).start();
  const ask = async (method: string, path: string, type: string, body: Buffer | string) => {
    const content = Buffer.from(body as string);
    const response = await fetch(http + path, { method, headers: { 'content-type': type }, body: content });
    return { status: response.status, text: await response.text() };
  };
  const submitted = await ask('POST', '/v1/problems', 'application/json', '{"graph":"one","input":{}}');
  const { problem_id: problem } = JSON.parse(submitted.text) as { problem_id: string };
  const { items } = (await (await fetch(`${http}/v1/nodes`)).json()) as { items: { node_id: string }[] };
  const routes = routesOf(root, problem, items[0]?.node_id ?? problem);
  const types = [...new Set(routes.map(({ type }) => type)), 'text/plain', ''];
  return {
    sources: /\/dist\/(src|frontend-bridge)\//,
    maxBytes: INPUT_BYTES,
    words: [...JSON_WORDS, ...YAML_WORDS],
    corpus: routes.flatMap(({ bodies, type }, route) =>
      bodies.map((body) =>
        Buffer.concat([Buffer.from([route, types.indexOf(type)]), Buffer.from(body as string)]),
      ),
    ),
    tryOne: async (input) => {
      const route = routes[(input[0] ?? 0) % routes.length]!;
      const body = input.subarray(2);
      // Mostly of the right type: anything else gets no further.
      const type = (input[1] ?? 0) % 8 === 7 ? types[(input[1] ?? 0) % types.length]! : route.type;
      const { status, text } = await ask(route.method, route.path(body), type, body);
      assert(
        status < 500 || status === 503 || status === 504,
        `${route.method} was answered ${status}: ${text}`,
      );
      if (status >= 400)
        assert.match((JSON.parse(text) as { error: { code: string } }).error.code, /^[a-z0-9_]+$/);
    },
    conclude: async () => {
      const stats = (await (await fetch(`${http}/v1/stats`)).json()) as { counters: Record<string, number> };
      assert.equal(stats.counters.internal_errors ?? 0, 0);
      await running!.stop();
    },
  };
}

function routesOf(root: string, problem: string, node: string): readonly Route[] {
  const json = { method: 'POST', type: 'application/json' } as const;
  const at = (path: string) => () => path;
  return [
    {
      ...{ ...json, path: at('/v1/problems') },
      bodies: [
        '{"graph":"one","input":{"a":[1,2.5,"x",null,true]},"title":"a title","priority":70}',
        '{"graph":"one","input":9007199254740991}',
        '{"graph":"none","input":{}}',
      ],
    },
    {
      ...{ ...json, path: at('/v1/problems:batch') },
      bodies: ['{"problems":[{"graph":"one","input":1},{"graph":"none","input":{}},{"graph":"one"}]}'],
    },
    {
      ...{ ...json, path: at(`/v1/problems/${problem}/iterations`) },
      bodies: [
        '{}',
        '{"input":{"b":2},"parent_iteration_id":1}',
        '{"parent_iteration_id":1,"reuse":["work"],"overrides":{}}',
        '{"parent_iteration_id":1,"reuse":[],"overrides":{"work":{"problem":{"c":3}}}}',
      ],
    },
    {
      ...{ ...json, path: at(`/v1/problems/${problem}/iterations/1/commands`) },
      bodies: [
        '{"command":"stop","reason":"x"}',
        '{"command":"reset","module":"work"}',
        '{"command":"preempt"}',
      ],
    },
    {
      ...{ ...json, path: at(`/v1/nodes/${node}/commands`) },
      bodies: ['{"command":"start","reason":"x"}', '{"command":"reset"}'],
    },
    {
      ...{ ...json, path: at(`/v1/nodes/${node}/configuration`) },
      bodies: ['{"configuration":"x","timeout_ms":100}'],
    },
    {
      ...{ method: 'PUT', type: 'application/yaml', path: at('/v1/graphs/fuzzed') },
      bodies: graphFiles(root).map((file) => file.toString().replace(/^name: .*$/m, 'name: fuzzed')),
    },
    {
      ...{ method: 'PUT', type: 'application/octet-stream' },
      path: (body) => `/v1/blobs/${createHash('sha256').update(body).digest('hex')}`,
      bodies: ['', 'a blob'],
    },
    {
      ...{ method: 'PUT', type: 'application/octet-stream', path: at(`/v1/blobs/${'0'.repeat(64)}`) },
      bodies: ['another blob'],
    },
  ];
}
