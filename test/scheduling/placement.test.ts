import { describe, expect, it } from 'vitest';
import { type Candidate, hasLabels, pickNode } from '../../src/scheduling/placement.js';

const node = (nodeId: string, taken: number, more: Partial<Candidate> = {}): Candidate => ({
  ...{ nodeId, taken, capacity: 4, labels: {}, lastUsed: 0 },
  ...more,
});

describe('placement', () => {
  it('takes the node that runs fewest', () => {
    expect(pickNode([node('a', 2), node('b', 1), node('c', 3)], {})?.nodeId).toBe('b');
  });

  it('takes the least recently used of those that run equally many', () => {
    const nodes = [
      node('a', 1, { lastUsed: 9 }),
      node('b', 1, { lastUsed: 3 }),
      node('c', 1, { lastUsed: 5 }),
    ];
    expect(pickNode(nodes, {})?.nodeId).toBe('b');
  });

  it('takes none without a free slot, and none when there is none', () => {
    expect(pickNode([node('a', 4), node('b', 5)], {})).toBeUndefined();
    expect(pickNode([], {})).toBeUndefined();
  });

  it('takes only nodes with all the labels that are required', () => {
    const nodes = [
      node('a', 0, { labels: { gpu: 'false' } }),
      node('b', 3, { labels: { gpu: 'true', zone: 'x' } }),
    ];
    expect(pickNode(nodes, { gpu: 'true' })?.nodeId).toBe('b');
    expect(pickNode(nodes, { gpu: 'true', zone: 'y' })).toBeUndefined();
    expect(hasLabels(node('c', 0), {})).toBe(true);
  });
});
