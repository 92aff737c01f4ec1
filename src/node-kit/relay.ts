/**
 * A TCP relay between a node and the conductor: what a cable is, so that it can be cut. Its own port stays the same, whatever
 * becomes of the port behind it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  /** Where connections lead from now on; nothing: they are closed at once. */
  lead(port: number | undefined): void;
  /** Ends every connection. New ones are taken. */
  cut(): void;
  /** Ends every connection as soon as the node has sent so many bytes more, in the middle of whatever it says then. */
  cutAfter(bytes: number): void;
  close(): Promise<void>;
}

export async function openRelay(): Promise<Relay> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let target: number | undefined;
  let allowance = Number.POSITIVE_INFINITY;

  function cut(): void {
    allowance = Number.POSITIVE_INFINITY;
    for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
  }

  function relay(fromNode: Socket): void {
    if (target === undefined) {
      fromNode.destroy();
      return;
    }
    const toConductor = connect(target, '127.0.0.1');
    const pair = [fromNode, toConductor] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    toConductor.pipe(fromNode);
    fromNode.on('data', (chunk: Buffer) => {
      const passes = Math.min(chunk.byteLength, allowance);
      allowance -= passes;
      if (!toConductor.write(chunk.subarray(0, passes))) {
        fromNode.pause();
        toConductor.once('drain', () => fromNode.resume());
      }
      // Forwarded bytes reach the other side before the cut does.
      if (allowance === 0) toConductor.end(() => cut());
    });
  }

  const server: Server = createServer(relay);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    lead(port) {
      target = port;
      cut();
    },
    cut,
    cutAfter(bytes) {
      allowance = bytes;
    },
    async close() {
      cut();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
