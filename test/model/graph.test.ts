import { describe, expect, it } from 'vitest';
import {
  dependentsOf,
  type Graph,
  type ModuleSpec,
  typeOf,
  typesOfGraph,
  typesOfModule,
} from '../../src/model/graph.js';

function module(name: string, inputs: string[], output: string, previous: string[] = []): ModuleSpec {
  return {
    ...{ name, inputs, output, previous, require: {}, timeoutMs: 300_000, onError: 'fail', start: 'auto' },
    retry: { attempts: 3, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
    liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
  };
}

const graph: Graph = {
  name: 'diamond',
  source: { name: 'text', type: 'json' },
  modules: [
    module('top', ['text'], 'a.Top'),
    module('left', ['top'], 'a.Left'),
    module('right', ['top'], 'a.Right', ['join']),
    module('join', ['left', 'right', 'text'], 'bytes'),
    module('aside', ['text'], 'json'),
  ],
};

describe('a graph', () => {
  it('knows what a module reaches, in topological order and without itself', () => {
    expect(dependentsOf(graph, 'top')).toEqual(['left', 'right', 'join']);
    expect(dependentsOf(graph, 'right')).toEqual(['join']);
    expect(dependentsOf(graph, 'join')).toEqual([]);
    expect(dependentsOf(graph, 'nothing')).toEqual([]);
  });

  it('knows the type behind the name of its source and of a module', () => {
    expect(typeOf(graph, 'text')).toBe('json');
    expect(typeOf(graph, 'left')).toBe('a.Left');
    expect(typeOf(graph, 'nothing')).toBeUndefined();
  });

  it('knows the types that a module sees: of its inputs, of what it gets from the parent, and its own', () => {
    expect(typesOfModule(graph, 'right')).toEqual(['a.Right', 'a.Top', 'bytes']);
    expect(typesOfModule(graph, 'nothing')).toEqual([]);
  });

  it('lists each of its types once', () => {
    expect(typesOfGraph(graph)).toEqual(['a.Left', 'a.Right', 'a.Top', 'bytes', 'json']);
  });
});
