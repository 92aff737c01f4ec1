import { describe, expect, it } from 'vitest';
import { connectionLimits } from '../../src/bus/connection-limits.js';
import { type Stranger, Strangers } from '../../src/bus/strangers.js';

describe('the limits of connections', () => {
  it.each([64, 256, 1024, 4096, 20_000, 1_048_576])(
    'leave room for all else when %i files may be open',
    (files) => {
      const { control, outputs, events } = connectionLimits(files);
      const all = control.connections + outputs.connections + events.connections;
      expect(all).toBeLessThanOrEqual(files * 0.6 + 6);
      for (const { connections, strangers, strangersOfAddress } of [control, outputs, events]) {
        expect(connections).toBeGreaterThan(0);
        expect(strangers).toBeGreaterThan(0);
        expect(strangers).toBeLessThanOrEqual(connections);
        expect(strangersOfAddress).toBeLessThanOrEqual(strangers);
      }
      // What strangers cannot take is for nodes that have registered.
      expect(control.connections - control.strangers).toBeGreaterThanOrEqual(control.strangers);
    },
  );

  it('are those of a large fleet where the system allows it, and of few subscribers', () => {
    const { control, outputs, events } = connectionLimits(1_048_576);
    expect([control.connections, outputs.connections, events.connections]).toEqual([16_384, 16_384, 1_024]);
  });
});

describe('strangers', () => {
  const LIMITS = { connections: 6, strangers: 4, strangersOfAddress: 2 };
  const from = (address: string): Stranger => ({ address });

  it('make place for a new one in the order in which they came', () => {
    const strangers = new Strangers(LIMITS);
    const [a, b, c, d] = ['1', '2', '3', '4'].map(from);
    for (const one of [a!, b!, c!]) strangers.add(one);
    expect(strangers.victim('5', 3)).toBeUndefined();
    strangers.add(d!);
    expect(strangers.victim('5', 4)).toBe(a);
    expect(strangers.delete(a!)).toBe(true);
    expect(strangers.delete(a!)).toBe(false);
    expect(strangers.victim('5', 3)).toBeUndefined();
    expect([...strangers]).toEqual([b, c, d]);
  });

  it('of one address of another machine make place for each other before the others do', () => {
    const strangers = new Strangers(LIMITS);
    const [honest, first, second] = ['192.0.2.1', '192.0.2.2', '192.0.2.2'].map(from);
    for (const one of [honest!, first!, second!]) strangers.add(one);
    expect(strangers.victim('192.0.2.2', 3)).toBe(first);
    expect(strangers.victim('192.0.2.3', 3)).toBeUndefined();
  });

  it.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])(
    'of this machine, %s, share all the room',
    (address) => {
      const strangers = new Strangers(LIMITS);
      const [a, b, c, d] = [1, 2, 3, 4].map(() => from(address));
      for (const one of [a!, b!, c!]) strangers.add(one);
      expect(strangers.victim(address, 3)).toBeUndefined();
      strangers.add(d!);
      expect(strangers.victim(address, 4)).toBe(a);
    },
  );

  it('make place, and known peers do not, when all connections are taken', () => {
    const strangers = new Strangers(LIMITS);
    expect(strangers.victim('1', 6)).toBeUndefined();
    const one = from('2');
    strangers.add(one);
    expect(strangers.victim('1', 6)).toBe(one);
  });
});
