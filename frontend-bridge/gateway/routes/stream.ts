/** `/v1/stream`: the upgrade, and the socket as the hub needs it. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { answers, anything } from '../answers/shape.js';
import type { Connections } from '../connections.js';
import { HttpError } from '../errors.js';
import type { App } from '../http.js';
import type { GatewayLimits } from '../limits.js';
import type { Holders } from '../stream/holders.js';
import { type Hub, POLICY_VIOLATION } from '../stream/hub.js';

/** When a viewer for whom there was no room may try again: seconds. */
const VIEWER_RETRY_S = 5;
/** What the kernel asks of a viewer that says nothing, so that a vanished one is noticed: milliseconds. */
const TCP_KEEPALIVE_MS = 30_000;
/** How long one that floods has to read why its socket is closed. */
const FAREWELL_MS = 2_000;

export function streamRoute(
  app: App,
  hub: Hub,
  connections: Connections,
  holders: Holders,
  limits: Pick<GatewayLimits, 'viewers' | 'answerIdleMs'>,
): void {
  const { viewers: maxViewers, answerIdleMs } = limits;
  app.route({
    method: 'GET',
    url: '/v1/stream',
    exposeHeadRoute: false,
    config: { action: 'read' },
    schema: {
      summary: 'Live events over a WebSocket',
      querystring: z.strictObject({}),
      response: { ...answers({}), 101: anything },
    },
    preHandler: async (request) => {
      if (request.ws && hub.stats().viewers >= maxViewers) {
        throw new HttpError(503, 'too_many_viewers', `There are ${maxViewers} viewers already.`, {
          retryAfter: VIEWER_RETRY_S,
        });
      }
    },
    handler: async (_request, reply) => {
      reply.header('upgrade', 'websocket');
      throw new HttpError(426, 'upgrade_required', 'This is a WebSocket.', {
        hint: 'Connect with a WebSocket client; GET …/events lists the events of a task.',
      });
    },
    wsHandler: (socket, request) => {
      request.raw.socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      request.raw.socket.setNoDelay(true);
      connections.stays(request.raw);
      cutWhenStuck(request.raw.socket, answerIdleMs);
      const cut = attach(socket, hub, request.ip, request.caller.project);
      socket.once('close', holders.add(request.caller, cut));
    },
  });
}

/** A viewer that reads nothing is gone, or as good as gone: it comes back with its cursor. */
function cutWhenStuck(socket: Socket, idleMs: number): void {
  socket.setTimeout(idleMs, () => {
    if (socket.writableLength > 0) socket.destroy();
  });
}

/** Returns how to end it because its token is no longer worth anything: it is told nothing else. */
function attach(socket: WebSocket, hub: Hub, peer: string, bound: string): () => void {
  const viewer = hub.attach(
    {
      send: (frame, sent) => socket.send(frame, { binary: false, compress: false }, sent),
      buffered: () => socket.bufferedAmount,
      close: (code, reason) => {
        socket.close(code, reason);
        if (code !== POLICY_VIOLATION) return;
        // Further messages of the viewer are left unread: otherwise a flood would be parsed until it ends.
        socket.pause();
        setTimeout(() => socket.terminate(), FAREWELL_MS).unref();
      },
    },
    peer,
    bound,
  );
  socket.on('message', (data, binary) => viewer.message(binary ? 'binary' : String(data)));
  socket.on('ping', (data) => {
    if (viewer.admit()) socket.pong(data);
  });
  socket.on('pong', () => viewer.admit());
  socket.on('close', () => viewer.closed());
  return () => {
    viewer.closed();
    socket.close(POLICY_VIOLATION, 'the token is no longer valid');
    setTimeout(() => socket.terminate(), FAREWELL_MS).unref();
  };
}
