import { describe, expect, it } from 'vitest';
import { connectionLimits } from '../../../src/bus/zmtp/connection-limits.js';
import { Unregistered } from '../../../src/bus/zmtp/unregistered.js';

describe('the limits of connections', () => {
  it.each([64, 256, 1024, 4096, 20_000, 1_048_576])(
    'leave room for all else when %i files may be open',
    (files) => {
      const { control, outputs, events } = connectionLimits(files);
      const all = control.connections + outputs.connections + events.connections;
      expect(all).toBeLessThanOrEqual(files * 0.6 + 6);
      for (const { connections, unregistered, unregisteredOfAddress } of [control, outputs, events]) {
        expect(connections).toBeGreaterThan(0);
        expect(unregistered).toBeGreaterThan(0);
        expect(unregistered).toBeLessThanOrEqual(connections);
        expect(unregisteredOfAddress).toBeLessThanOrEqual(unregistered);
      }
      // What they cannot take is for nodes that have registered.
      expect(control.connections - control.unregistered).toBeGreaterThanOrEqual(control.unregistered);
    },
  );

  it('are those of a large fleet where the system allows it, and of few subscribers', () => {
    const { control, outputs, events } = connectionLimits(1_048_576);
    expect([control.connections, outputs.connections, events.connections]).toEqual([16_384, 16_384, 1_024]);
  });
});

describe('connections whose peers have not registered', () => {
  const LIMITS = { connections: 6, unregistered: 4, unregisteredOfAddress: 2 };
  const from = (address: string) => ({ address });

  it('make place for a new one in the order in which they came', () => {
    const unregistered = new Unregistered<{ address: string }>(LIMITS);
    const [a, b, c, d] = ['1', '2', '3', '4'].map(from);
    for (const one of [a!, b!, c!]) unregistered.add(one);
    expect(unregistered.victim('5', 3)).toBeUndefined();
    unregistered.add(d!);
    expect(unregistered.victim('5', 4)).toBe(a);
    expect(unregistered.delete(a!)).toBe(true);
    expect(unregistered.delete(a!)).toBe(false);
    expect(unregistered.victim('5', 3)).toBeUndefined();
    expect([...unregistered]).toEqual([b, c, d]);
  });

  it('connections from one remote address are evicted for each other first', () => {
    const unregistered = new Unregistered<{ address: string }>(LIMITS);
    const [honest, first, second] = ['192.0.2.1', '192.0.2.2', '192.0.2.2'].map(from);
    for (const one of [honest!, first!, second!]) unregistered.add(one);
    expect(unregistered.victim('192.0.2.2', 3)).toBe(first);
    expect(unregistered.victim('192.0.2.3', 3)).toBeUndefined();
  });

  it.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])(
    'local connections, %s, share all the room',
    (address) => {
      const unregistered = new Unregistered<{ address: string }>(LIMITS);
      const [a, b, c, d] = [1, 2, 3, 4].map(() => from(address));
      for (const one of [a!, b!, c!]) unregistered.add(one);
      expect(unregistered.victim(address, 3)).toBeUndefined();
      unregistered.add(d!);
      expect(unregistered.victim(address, 4)).toBe(a);
    },
  );

  it('make place, and known peers do not, when all connections are taken', () => {
    const unregistered = new Unregistered<{ address: string }>(LIMITS);
    expect(unregistered.victim('1', 6)).toBeUndefined();
    const one = from('2');
    unregistered.add(one);
    expect(unregistered.victim('1', 6)).toBe(one);
  });
});
