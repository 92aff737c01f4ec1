import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorBody, type HttpError } from './errors.js';

/** The other side gets so long to read the answer and to close: an HTTP server's sockets stay half open as long as it likes. */
const CLOSE_MS = 2_000;

/** Answers with an error where no reply object exists, and ends the connection, whatever the other side does. */
export function answerRaw(socket: Socket | Duplex, error: HttpError, closeMs: number = CLOSE_MS): void {
  setTimeout(() => socket.destroy(), closeMs).unref();
  if (!socket.writable) return;
  const text = JSON.stringify(errorBody(error));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    ...(error.retryAfter === undefined ? [] : [`retry-after: ${Math.ceil(error.retryAfter)}`]),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
  socket.once('end', () => socket.destroy());
  socket.resume();
}
