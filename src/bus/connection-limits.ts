/**
 * How many connections each of the three sockets takes, out of the files that the process may have open. The three together leave two fifths of it to
 * HTTP, the store and the blobs, whatever peers do.
 *
 * | | of the limit | strangers | at most |
 * |---|---|---|---|
 * | control | 24 % | half of it: the rest is for nodes that have registered | 16,384 |
 * | outputs | 24 % | three quarters: a node that has published nothing yet counts as one | 16,384 |
 * | events | 12 % | all of it: subscribers do not register | 1,024 |
 */

export interface ConnectionLimits {
  /** All of the socket. */
  readonly connections: number;
  /** Those among them whose peers have not registered. */
  readonly strangers: number;
  /** Strangers of one address. All peers of this machine share one, so there it is the same as `strangers`. */
  readonly strangersOfAddress: number;
}

export type SocketName = 'control' | 'outputs' | 'events';

const SHARES: Readonly<
  Record<SocketName, { readonly of: number; readonly most: number; readonly strangers: number }>
> = {
  control: { of: 0.24, most: 16_384, strangers: 0.5 },
  outputs: { of: 0.24, most: 16_384, strangers: 0.75 },
  // Each event is handed to every subscriber, so their number is a cost for everybody.
  events: { of: 0.12, most: 1_024, strangers: 1 },
};

export function connectionLimits(openFiles: number): Readonly<Record<SocketName, ConnectionLimits>> {
  const limitsOf = (socket: SocketName): ConnectionLimits => {
    const { of, most, strangers } = SHARES[socket];
    const connections = Math.max(2, Math.min(most, Math.floor(openFiles * of)));
    const allStrangers = Math.max(1, Math.floor(connections * strangers));
    return {
      connections,
      strangers: allStrangers,
      strangersOfAddress: Math.max(1, Math.floor(allStrangers / 2)),
    };
  };
  return { control: limitsOf('control'), outputs: limitsOf('outputs'), events: limitsOf('events') };
}
