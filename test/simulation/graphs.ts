/** The graphs of the simulation; a stored graph's YAML is only its name, which `graphs` resolves. */
import { parseExpression } from '../../src/base/expression/parse-expression.js';
import { readPlan } from '../../src/model/deployment.js';
import { planGraph } from '../../src/model/deployment-graph.js';
import type { Graph, ModuleSpec } from '../../src/model/graph.js';
import { readServiceGraph } from '../../src/model/service.js';

function module(name: string, inputs: string[], more: Partial<ModuleSpec> = {}): ModuleSpec {
  return {
    name,
    inputs,
    previous: [],
    output: 'json',
    require: {},
    timeoutMs: 8000,
    retry: { attempts: 3, backoffMs: 300, factor: 2, maxBackoffMs: 2000 },
    onError: 'fail',
    start: 'auto',
    liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
    ...more,
  };
}

function when(text: string): Pick<ModuleSpec, 'when'> {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return { when: { text, expression: parsed.expression } };
}

const asks: Partial<ModuleSpec> = { approve: { role: 'operator', message: 'go on?' } };
const source = { name: 'source', type: 'json' };
const workers = ['w1', 'w2', 'w3', 'w4'];

const all: Graph[] = [
  { name: 'chain', source, modules: [module('a', ['source']), module('b', ['a']), module('c', ['b'])] },
  {
    name: 'diamond',
    source,
    modules: [
      module('a', ['source']),
      module('b', ['a'], { previous: ['d'] }),
      module('c', ['a', 'source']),
      module('d', ['b', 'c'], { previous: ['b', 'd'] }),
    ],
  },
  {
    name: 'fan',
    source,
    modules: [
      module('a', ['source']),
      ...workers.map((name) => module(name, ['a'])),
      module('d', workers, { retry: { attempts: 1, backoffMs: 100, factor: 2, maxBackoffMs: 100 } }),
    ],
  },
  {
    name: 'lenient',
    source,
    modules: [
      module('x', ['source'], {
        onError: 'ignore',
        retry: { attempts: 1, backoffMs: 100, factor: 2, maxBackoffMs: 100 },
      }),
      module('b', ['x', 'source'], { onError: 'ignore' }),
      module('c', ['b', 'x']),
    ],
  },
  {
    name: 'gated',
    source,
    modules: [
      module('a', ['source']),
      module('b', ['a'], when('a.seq < 2')),
      module('c', ['a', 'b'], when('b.module = null or a.iteration_id > 1')),
      module('d', ['b', 'c']),
    ],
  },
  {
    name: 'asking',
    source,
    modules: [
      module('a', ['source']),
      module('ask', ['a'], asks),
      module('b', ['a', 'ask'], when('ask.decision = "approve"')),
      module('x', ['source']),
      module('ask_too', ['b', 'x'], { ...asks, onError: 'ignore' }),
      module('c', ['x', 'ask_too']),
    ],
  },
  {
    name: 'recalling',
    source,
    modules: [
      module('a', ['source'], { cache: true }),
      module('b', ['a'], { cache: true, timeoutMs: 4000 }),
      module('c', ['a', 'b'], { cache: true }),
      module('d', ['c']),
    ],
  },
  {
    name: 'looping',
    source,
    modules: [
      module('a', ['source']),
      module('b', ['a'], { previous: ['d'] }),
      module('c', ['b', 'a'], { cache: true, timeoutMs: 4000 }),
      module('ask', ['c'], { ...asks, ...when('c.seq > 1'), onError: 'ignore' }),
      module('d', ['c', 'ask', 'b']),
      module('e', ['c', 'd']),
    ],
    loops: [
      {
        ...{ from: 'd', to: 'b', max: 3, onMax: 'continue' },
        until: { text: 'd.seq > 2', expression: when('d.seq > 2').when!.expression },
      },
    ],
  },
  {
    name: 'mapping',
    source,
    modules: [
      module('a', ['source'], { map: { input: 'source', limit: 2 }, cache: true }),
      module('m', ['a'], { map: { input: 'a', limit: 3 }, cache: true, timeoutMs: 4000 }),
      module('b', ['m', 'source'], { onError: 'ignore' }),
      module('d', ['b', 'm']),
    ],
    loops: [
      {
        ...{ from: 'd', to: 'm', max: 2, onMax: 'continue' },
        until: { text: 'd.seq > 1', expression: when('d.seq > 1').when!.expression },
      },
    ],
  },
  {
    name: 'labels',
    source,
    modules: [
      module('a', ['source'], { previous: ['g'] }),
      module('g', ['a'], { require: { gpu: 'true' }, timeoutMs: 4000 }),
    ],
  },
];

export const graphs: ReadonlyMap<string, Graph> = new Map(all.map((graph) => [graph.name, graph]));

/** A stored graph, by its YAML: one of these, that of a service, or the plan of a deployment. */
export function readStored(yaml: string): Graph {
  const planned = readPlan(yaml);
  if (planned) return planGraph(planned.deploymentId, planned.plan);
  return readServiceGraph(yaml) ?? graphs.get(yaml)!;
}
