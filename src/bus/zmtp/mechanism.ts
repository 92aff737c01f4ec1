/**
 * The security mechanisms of ZMTP, on the side that was dialled. A mechanism does what follows the greetings until the peer is
 * ready, and then translates between frames in the clear and bytes on the wire.
 *
 * A socket speaks one mechanism. Its greeting names it, and a peer that names another one is refused: nothing is negotiated.
 */
import { COMMAND, commandBody, framed, greetingOf, type Message, metadataOf } from './frames.js';

/** The reaction of a mechanism to a command in the handshake. */
export type HandshakeStep =
  /** The peer is to be told this, and continues. */
  | { readonly kind: 'continue'; readonly reply: Uint8Array }
  /** The peer has said what it is. It is told `reply` if it is accepted. */
  | {
      readonly kind: 'ready';
      readonly metadata: Buffer;
      readonly reply?: Uint8Array;
      /** The public key whose secret the peer has proved to hold, as Z85. */
      readonly key?: string;
    }
  | { readonly kind: 'broken'; readonly why: string };

/** A frame in the clear. `flags`: `MORE` and `COMMAND`. */
export interface Frame {
  readonly flags: number;
  readonly body: Buffer;
}

/** The mechanism of one connection. It never throws on anything that a peer sends. */
export interface Mechanism {
  /** By how much an encrypted frame is larger than what is in it. */
  readonly overheadBytes: number;
  /** Said at once after the peer's greeting. */
  readonly opening: Uint8Array | undefined;
  handshake(command: Buffer): HandshakeStep;
  /** Only after the handshake. Nothing, if the frame is not what it should be. */
  open(frame: Frame): Frame | undefined;
  message(message: Message): readonly Uint8Array[];
  command(body: Uint8Array): Uint8Array;
}

/** The mechanism of a socket. */
export interface MechanismOfSocket {
  readonly name: 'NULL' | 'CURVE';
  readonly greeting: Buffer;
  /** For a connection that has just been accepted. */
  connect(): Mechanism;
}

const READY = commandBody('READY');

/** No security at all: each side says READY, and the rest is in the clear. */
export function nullMechanism(socketType: string): MechanismOfSocket {
  const opening = framed(COMMAND, Buffer.concat([READY, metadataOf(socketType)]));
  const mechanism: Mechanism = {
    overheadBytes: 0,
    opening,
    handshake(command) {
      if (!command.subarray(0, READY.length).equals(READY))
        return { kind: 'broken', why: 'a command other than READY before it was ready' };
      return { kind: 'ready', metadata: command.subarray(READY.length) };
    },
    open: (frame) => frame,
    message: ({ plain }) => plain,
    command: (body) => framed(COMMAND, body),
  };
  return { name: 'NULL', greeting: greetingOf('NULL', false), connect: () => mechanism };
}
