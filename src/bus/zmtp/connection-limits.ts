/**
 * How many connections each of the three sockets takes, out of the files that the process may have open. The
 * three together leave two fifths of it to HTTP, the store and the blobs, whatever peers do.
 *
 * | | of the limit | not registered | at most |
 * |---|---|---|---|
 * | control | 24 % | half of it: the rest is for nodes that have registered | 16,384 |
 * | outputs | 24 % | three quarters: a node that has published nothing yet counts as one | 16,384 |
 * | events | 12 % | all of it: subscribers do not register | 1,024 |
 */

export interface ConnectionLimits {
  /** All of the socket. */
  readonly connections: number;
  /** Those among them whose peers have not registered. */
  readonly unregistered: number;
  /** Likewise, from one address. All peers of this machine share one, so there it is the same as `unregistered`. */
  readonly unregisteredOfAddress: number;
}

export type SocketName = 'control' | 'outputs' | 'events';

const SHARES: Readonly<
  Record<SocketName, { readonly of: number; readonly most: number; readonly unregistered: number }>
> = {
  control: { of: 0.24, most: 16_384, unregistered: 0.5 },
  outputs: { of: 0.24, most: 16_384, unregistered: 0.75 },
  // Each event is handed to every subscriber, so their number is a cost for everybody.
  events: { of: 0.12, most: 1_024, unregistered: 1 },
};

export function connectionLimits(openFiles: number): Readonly<Record<SocketName, ConnectionLimits>> {
  const limitsOf = (socket: SocketName): ConnectionLimits => {
    const { of, most, unregistered } = SHARES[socket];
    const connections = Math.max(2, Math.min(most, Math.floor(openFiles * of)));
    const allUnregistered = Math.max(1, Math.floor(connections * unregistered));
    return {
      connections,
      unregistered: allUnregistered,
      unregisteredOfAddress: Math.max(1, Math.floor(allUnregistered / 2)),
    };
  };
  return { control: limitsOf('control'), outputs: limitsOf('outputs'), events: limitsOf('events') };
}
