/** Peers that libzmq would not be: they say what a test wants, byte by byte. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { COMMAND, framed, greetingOf, PING_BODY, wrapped } from '../../../src/bus/zmtp/frames.js';

export const GREETING: Buffer = greetingOf('NULL', false);
export const PING: Buffer = framed(COMMAND, PING_BODY);

/** What a test opened, and has to end. */
export type Open = { destroy?(): unknown; close?(): unknown };

export function endAll(open: Open[]): void {
  for (const one of open.splice(0)) {
    one.destroy?.();
    one.close?.();
  }
}

/** READY of a socket of this type that asks to be called so. */
export function readyAs(type: string, identity: Uint8Array = Buffer.alloc(0)): Buffer {
  const property = (name: string, value: Uint8Array): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(value.byteLength);
    return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), size, value]);
  };
  return command('READY', property('Socket-Type', Buffer.from(type)), property('Identity', identity));
}

export function command(name: string, ...data: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), ...data]);
  return Buffer.concat([Buffer.from([4, body.length]), body]);
}

/** A message of these frames. */
export function message(...frames: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(wrapped(...frames.map((frame) => Buffer.from(frame))));
}

/** Connected, and these bytes said. */
export async function rawPeer(port: number, open: Open[], ...bytes: readonly Uint8Array[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  open.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const part of bytes) socket.write(part);
  return socket;
}
