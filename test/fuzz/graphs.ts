/** Graph files, as `tutti graph validate` and a `PUT` read them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as GraphFile from '../../src/config/graph/graph-file.js';
import type * as WireTypes from '../../src/wire/types.js';
import type { FuzzTarget } from './guided.js';

const INPUT_BYTES = 65_536;
const MOST_FAULTS = 1000;

export const YAML_WORDS: readonly string[] = [
  ...[
    '\n',
    ' ',
    '  ',
    '\t',
    '- ',
    '? ',
    ': ',
    ', ',
    '[',
    ']',
    '{',
    '}',
    '[[[[',
    '{a: ',
    '#',
    '\ufeff',
    '\u0085',
  ],
  ...['&a ', '*a', '<<: *a\n', '!!binary ', '!!set ', '!!timestamp ', '!x ', '%YAML 1.1\n', '---\n', '...\n'],
  ...[
    '|\n',
    '>-\n',
    '|9\n',
    '"\\u0000"',
    '"\\ud800"',
    "'",
    '"',
    '~',
    'null',
    'true',
    'yes',
    '1e400',
    '-0',
    '.nan',
  ],
  ...[
    '0x7fffffffffffffff',
    '9007199254740993',
    '1_000',
    '0o17',
    '190:20:30',
    '2001-12-14',
    '999999999h',
    '1ms',
  ],
  ...[
    'name: ',
    'source: ',
    'modules:\n',
    '  work: ',
    'inputs: ',
    'output: ',
    'previous: ',
    'require: ',
    'retry: ',
  ],
  ...['timeout: ', 'liveness: ', 'on_error: ', 'start: ', 'index: ', 'retention: ', 'x-a: ', '__proto__: '],
  ...['constructor', 'toString', 'json', 'bytes', 'json:price', 'tutti.v1.Hello', 'problem', 'work'],
];

/** With the built package, whose sources V8 tells apart by their URLs. */
export async function graphsTarget(root: string): Promise<FuzzTarget> {
  const built = (file: string) => import(pathToFileURL(join(root, 'dist/src', file)).href);
  const { parseGraph } = (await built('config/graph/graph-file.js')) as typeof GraphFile;
  const { loadTypes } = (await built('wire/types.js')) as typeof WireTypes;
  const types = loadTypes([join(root, 'proto')]);
  const files = graphFiles(root);
  const parse = (yaml: string) => parseGraph(yaml, { types });
  return {
    sources: /\/dist\/src\/(config|model)\/|\/node_modules\/yaml\//,
    maxBytes: INPUT_BYTES,
    corpus: files,
    words: YAML_WORDS,
    tryOne: (input) => {
      const parsed = parse(input.toString());
      if (parsed.ok) {
        assert.match(parsed.graph.name, /^[a-z]/);
        assert(parsed.graph.modules.length > 0);
        // It can be written down and compared.
        assert.equal(typeof JSON.stringify(parsed.graph), 'string');
      } else {
        assert(
          parsed.faults.length > 0 && parsed.faults.length <= MOST_FAULTS,
          `${parsed.faults.length} faults`,
        );
        for (const { code, message } of parsed.faults) {
          assert.match(code, /^[a-z0-9_]+$/);
          assert(
            message.length > 0 && message.length < INPUT_BYTES,
            `a message of ${message.length} characters`,
          );
        }
      }
    },
    conclude: async () => {
      for (const file of files) assert(parse(file.toString()).ok, 'a graph that was accepted is no longer');
    },
  };
}

/** Those of the tests and of the examples that need no types of their own. */
export function graphFiles(root: string): Buffer[] {
  return ['test/e2e/graphs', 'test/chaos/graphs', 'test/soak/graphs'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => readFileSync(join(root, folder, name))),
  );
}
