import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopicPrefixes } from '../../src/bus/topic-prefixes.js';

describe('the prefixes that are subscribed to', () => {
  it('match a topic exactly when one of those added more often than removed begins it', () => {
    const prefix = fc.stringMatching(/^[ab/]{0,3}$/);
    fc.assert(
      fc.property(
        fc.array(fc.record({ add: fc.boolean(), prefix })),
        fc.stringMatching(/^[ab/]{0,5}$/),
        (changes, topic) => {
          const prefixes = new TopicPrefixes();
          const counts = new Map<string, number>();
          for (const change of changes) {
            const count = counts.get(change.prefix) ?? 0;
            if (change.add) prefixes.add(change.prefix);
            else prefixes.remove(change.prefix);
            counts.set(change.prefix, Math.max(0, count + (change.add ? 1 : -1)));
          }
          const expected = [...counts].some(([name, count]) => count > 0 && topic.startsWith(name));
          expect(prefixes.match(topic)).toBe(expected);
        },
      ),
    );
  });
});
