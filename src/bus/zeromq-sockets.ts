/** The common part of the ZeroMQ buses, and the handling of libzmq sockets on a node's bus. */
import { clearTimeout, setTimeout } from 'node:timers';
import type { Event, Readable, Socket } from 'zeromq';
import { messageOf, TuttiError } from '../base/errors.js';

/**
 * ZMTP heartbeats find the connection whose other end is gone without a word (a pulled cable, a stopped process). They are slower
 * than the protocol's own, since a side that pauses its reading does not answer them either, and must not be cut off for that.
 */
const ZMTP_HEARTBEAT_INTERVAL_MS = 3_000;
const ZMTP_HEARTBEAT_TIMEOUT_MS = 15_000;

export const HEARTBEATS: { readonly heartbeatInterval: number; readonly heartbeatTimeout: number } = {
  heartbeatInterval: ZMTP_HEARTBEAT_INTERVAL_MS,
  heartbeatTimeout: ZMTP_HEARTBEAT_TIMEOUT_MS,
};

/** Frames that wait for, or from, one peer. Beyond it the sender drops and the receiver stops reading. */
export const QUEUE_FRAMES = 1_000;

/** Enough for a goodbye over a slow link, and a small part of the five seconds in which a process ends. */
export const LINGER_MS = 500;

/** The sockets need to be told when an address is an IPv6 one. */
export function isIpv6(endpoint: string): boolean {
  return endpoint.includes('[');
}

/** Reads a socket until it is closed; a promise from the handler pauses it. */
export async function readAll(
  socket: Socket & Readable,
  onMessage: (parts: Buffer[]) => void | Promise<void>,
): Promise<void> {
  while (!socket.closed) {
    let parts: Buffer[];
    try {
      parts = (await socket.receive()) as Buffer[];
    } catch (error) {
      if (socket.closed) return;
      throw error;
    }
    const paused = onMessage(parts);
    if (paused) await paused;
  }
}

/** `bad_endpoint`, naming the option and the endpoint. */
export function badEndpoint(option: string, endpoint: string, cause: unknown): TuttiError {
  return new TuttiError('bad_endpoint', `${option}: ${endpoint} cannot be used: ${messageOf(cause)}`, {
    hint: 'give an address of this machine, or a host that resolves, as tcp://HOST:PORT',
    cause,
  });
}

/** How much longer than its linger a socket may take to end; it takes a millisecond, unless the machine is wedged. */
const END_MS = 1_000;

/** A socket that was opened, and how it ends. */
export interface Open<S extends Socket> {
  readonly socket: S;
  /** Closes it. Settles when its port is free and its frames are handed over, or given up after its linger. */
  close(): Promise<void>;
}

export interface SocketWatch {
  onConnect?(): void;
  onDisconnect?(): void;
}

/** Hears of a socket's connections, and of its end: libzmq ends a closed socket in the background. */
export function watched<S extends Socket>(socket: S, { onConnect, onDisconnect }: SocketWatch = {}): Open<S> {
  const { linger, events } = socket;
  const ended = (async () => {
    for await (const event of events) {
      // Closing reads as an event that is not there.
      if ((event as Event | undefined) === undefined) return;
      if (socket.closed) continue;
      if (event.type === 'handshake') onConnect?.();
      else if (event.type === 'disconnect') onDisconnect?.();
    }
  })();
  return {
    socket,
    close() {
      socket.close();
      return atMost(linger + END_MS, ended);
    },
  };
}

/** Does nothing with a rejection: for sends whose loss the protocol repairs. */
export function lossy(sent: Promise<void>): void {
  sent.catch(() => {});
}

/** Waits until the promise settles, but no longer than `ms`. */
export async function atMost(ms: number, settled: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([settled, timeout]);
  clearTimeout(timer);
}
