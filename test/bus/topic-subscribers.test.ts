import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopicSubscribers } from '../../src/bus/topic-subscribers.js';

describe('the subscribers of topics', () => {
  it('want a topic exactly when a prefix of it was added for them and not removed since', () => {
    const prefix = fc.stringMatching(/^[ab/]{0,3}$/);
    fc.assert(
      fc.property(
        fc.array(fc.record({ add: fc.boolean(), prefix, name: fc.constantFrom('x', 'y', 'z') })),
        fc.stringMatching(/^[ab/]{0,5}$/),
        (changes, topic) => {
          const subscribers = new TopicSubscribers<string>();
          const held = new Map<string, { readonly prefix: string; readonly name: string }>();
          for (const change of changes) {
            const key = `${change.name} ${change.prefix}`;
            if (change.add) {
              subscribers.add(change.prefix, change.name);
              held.set(key, change);
            } else {
              subscribers.remove(change.prefix, change.name);
              held.delete(key);
            }
          }
          const wanting = [...held.values()].filter((one) => topic.startsWith(one.prefix));
          expect(subscribers.isWanted(topic)).toBe(wanting.length > 0);
          expect(subscribers.of(topic)).toEqual(new Set(wanting.map(({ name }) => name)));
        },
      ),
    );
  });
});
