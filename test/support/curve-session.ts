/** A peer with CURVE that says a test's bytes, before its handshake, in the middle of it and after it. */
import type { Socket } from 'node:net';
import { keyFromZ85 } from '../../src/base/z85.js';
import { type KeyPair, keyPairOf } from '../../src/bus/zmtp/boxes.js';
import { GREETING_BYTES } from '../../src/bus/zmtp/frames.js';
import { CURVE_GREETING, CurveClient } from '../bus/zmtp/curve-client.js';

/** Its frame has a head of two bytes. */
const WELCOME_BYTES = 2 + 168;

/** Said and answered as far as the WELCOME. The connection, which says nothing by itself, is that of the caller; nothing where it ended before. */
export async function welcomed(
  socket: Socket,
  serverKey: string,
  own: KeyPair = keyPairOf(),
): Promise<{ readonly client: CurveClient; readonly welcome: Buffer } | undefined> {
  const client = new CurveClient(keyFromZ85(serverKey)!, own);
  const answer = firstBytes(socket, GREETING_BYTES + WELCOME_BYTES);
  socket.write(Buffer.concat([CURVE_GREETING, client.hello()]));
  const bytes = await answer;
  return bytes && { client, welcome: bytes.subarray(GREETING_BYTES + 2) };
}

/** The first bytes that come; nothing if the connection ends before. */
function firstBytes(socket: Socket, count: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const take = (data: Buffer): void => {
      bytes = Buffer.concat([bytes, data]);
      if (bytes.length < count) return;
      socket.off('data', take).off('close', end);
      resolve(bytes.subarray(0, count));
    };
    const end = (): void => resolve(undefined);
    socket.on('data', take).once('close', end);
  });
}
