/**
 * CurveZMQ (https://rfc.zeromq.org/spec/26/) on the side that was dialled: the peer proves that it holds a secret key, knows that
 * we hold ours, and from then on every frame is encrypted. Keys in capitals are long-term ones (S ours, C the peer's), keys with an
 * apostrophe are short-term ones (S', C').
 *
 * C1. A connection goes from HELLO to INITIATE to open, once each. Anything else ends it, and nothing is said about the reason.
 * C2. Between HELLO and INITIATE nothing is kept about the peer: C' and s' are in the cookie. The cookie's key belongs to this
 *     connection, so the cookie of another one opens nothing here, and a recorded handshake cannot be played again.
 * C3. A nonce is used once: S' is fresh for each connection, and a counter runs in each direction. Every nonce of the peer follows
 *     the one before, so a frame that is repeated, removed or moved ends the connection.
 * C4. The peer is who it says only if its vouch, boxed from C to S', contains its C' and our S.
 * C5. A command has the exact size of its kind, except for its metadata, which the reader bounds.
 */
import { randomBytes } from 'node:crypto';
import { toZ85 } from '../../base/z85.js';
import {
  AUTHENTICATOR_BYTES,
  isSame,
  KEY_BYTES,
  type KeyPair,
  keyPairOf,
  NONCE_BYTES,
  seal,
  sharedKey,
  unseal,
} from './boxes.js';
import {
  COMMAND,
  commandBody,
  framed,
  greetingOf,
  headOf,
  type Message,
  MORE,
  metadataOf,
} from './frames.js';
import type { Frame, HandshakeStep, Mechanism, MechanismOfSocket } from './mechanism.js';

const HELLO = commandBody('HELLO');
const HELLO_BYTES = 200;
const VERSION = Buffer.from([1, 0]);
const PADDING_BYTES = 72;
const SIGNATURE_BYTES = 64;
const INITIATE = commandBody('INITIATE');
const COOKIE_BYTES = 96;
const VOUCH_BYTES = 96;
const INITIATE_MIN_BYTES = INITIATE.length + COOKIE_BYTES + 8 + AUTHENTICATOR_BYTES + KEY_BYTES + VOUCH_BYTES;
const MESSAGE = commandBody('MESSAGE');
const SHORT_NONCE_BYTES = 8;
const LONG_NONCE_BYTES = 16;
/** Name, nonce, authenticator and flags. */
const OVERHEAD_BYTES = MESSAGE.length + SHORT_NONCE_BYTES + AUTHENTICATOR_BYTES + 1;
/** In the flags byte of a message, where `MORE` is the same as outside. */
const INNER_COMMAND = 2;
const INNER_UNKNOWN = 0xfc;

type Phase =
  | { readonly kind: 'hello' }
  | {
      readonly kind: 'initiate';
      /** The pair that the peer's HELLO was boxed to. */
      readonly server: KeyPair;
      readonly cookieKey: Uint8Array;
      readonly received: bigint;
    }
  | { readonly kind: 'open'; readonly key: Uint8Array; received: bigint; sent: bigint }
  | { readonly kind: 'broken' };

export interface CurveOptions {
  /** The long-term pairs that are valid now. Two are while the key is changed. */
  readonly keys: () => readonly KeyPair[];
  /** @default those of the system; a test may want to know them */
  readonly random?: (bytes: number) => Uint8Array;
}

export function curveMechanism(socketType: string, options: CurveOptions): MechanismOfSocket {
  const metadata = metadataOf(socketType);
  return {
    name: 'CURVE',
    greeting: greetingOf('CURVE', true),
    connect: () => new CurveConnection(metadata, options),
  };
}

class CurveConnection implements Mechanism {
  readonly overheadBytes = OVERHEAD_BYTES;
  readonly opening: undefined;
  readonly #metadata: Buffer;
  readonly #keys: () => readonly KeyPair[];
  readonly #random: (bytes: number) => Uint8Array;
  #phase: Phase = { kind: 'hello' };

  constructor(metadata: Buffer, { keys, random = randomBytes }: CurveOptions) {
    this.#metadata = metadata;
    this.#keys = keys;
    this.#random = random;
  }

  /** C1. */
  handshake(command: Buffer): HandshakeStep {
    const phase = this.#phase;
    this.#phase = { kind: 'broken' };
    if (phase.kind === 'hello') return this.#hello(command) ?? broken('a HELLO that is not for our key');
    if (phase.kind !== 'initiate') return broken('a command after the handshake');
    return this.#initiate(command, phase) ?? broken('an INITIATE that does not follow from its HELLO');
  }

  open({ flags: outer, body: sealed }: Frame): Frame | undefined {
    const phase = this.#phase;
    if (phase.kind !== 'open' || sealed.length < OVERHEAD_BYTES || !startsWith(sealed, MESSAGE))
      return undefined;
    // Whether the message continues is said inside.
    if (outer & MORE) return undefined;
    const boxAt = MESSAGE.length + SHORT_NONCE_BYTES;
    const nonce = sealed.readBigUInt64BE(MESSAGE.length);
    // C3
    if (nonce !== phase.received + 1n) return undefined;
    const plain = unseal(sealed.subarray(boxAt), shortNonce('CurveZMQMESSAGEC', nonce), phase.key);
    if (plain === undefined || plain[0]! & INNER_UNKNOWN) return undefined;
    phase.received = nonce;
    const inner = plain[0]!;
    const flags = (inner & MORE) | (inner & INNER_COMMAND ? COMMAND : 0);
    return { flags, body: Buffer.from(plain.buffer, plain.byteOffset + 1, plain.byteLength - 1) };
  }

  message({ frames }: Message): readonly Uint8Array[] {
    const last = frames.length - 1;
    return frames.map((frame, index) => this.#seal(index < last ? MORE : 0, frame));
  }

  command(body: Uint8Array): Uint8Array {
    return this.#seal(INNER_COMMAND, body);
  }

  #hello(command: Buffer): HandshakeStep | undefined {
    const versionAt = HELLO.length;
    const clientAt = versionAt + VERSION.length + PADDING_BYTES;
    const nonceAt = clientAt + KEY_BYTES;
    const boxAt = nonceAt + SHORT_NONCE_BYTES;
    // C5
    if (command.length !== HELLO_BYTES || !startsWith(command, HELLO)) return undefined;
    if (!command.subarray(versionAt, versionAt + VERSION.length).equals(VERSION)) return undefined;
    const client = command.subarray(clientAt, nonceAt);
    const received = command.readBigUInt64BE(nonceAt);
    const nonce = shortNonce('CurveZMQHELLO---', received);
    for (const server of this.#keys()) {
      const key = sharedKey(client, server.secretKey);
      const signature = key && unseal(command.subarray(boxAt), nonce, key);
      if (!key || !signature || !isSame(signature, new Uint8Array(SIGNATURE_BYTES))) continue;
      const cookieKey = this.#random(KEY_BYTES);
      const reply = framed(COMMAND, this.#welcome(client, key, cookieKey));
      // C2
      this.#phase = { kind: 'initiate', server, cookieKey, received };
      return { kind: 'continue', reply };
    }
    return undefined;
  }

  /** WELCOME: S' and the cookie, boxed to C'. */
  #welcome(client: Uint8Array, key: Uint8Array, cookieKey: Uint8Array): Buffer {
    const short = keyPairOf(this.#random(KEY_BYTES));
    const cookieNonce = this.#random(LONG_NONCE_BYTES);
    const cookie = Buffer.concat([
      cookieNonce,
      seal(Buffer.concat([client, short.secretKey]), longNonce('COOKIE--', cookieNonce), cookieKey),
    ]);
    const nonce = this.#random(LONG_NONCE_BYTES);
    const box = seal(Buffer.concat([short.publicKey, cookie]), longNonce('WELCOME-', nonce), key);
    return commandBody('WELCOME', nonce, box);
  }

  #initiate(command: Buffer, { server, cookieKey, received }: Extract<Phase, { kind: 'initiate' }>) {
    // C5
    if (command.length < INITIATE_MIN_BYTES || !startsWith(command, INITIATE)) return undefined;
    const nonceAt = INITIATE.length + COOKIE_BYTES;
    const cookie = command.subarray(INITIATE.length, nonceAt);
    // C2
    const pair = unseal(
      cookie.subarray(LONG_NONCE_BYTES),
      longNonce('COOKIE--', cookie.subarray(0, LONG_NONCE_BYTES)),
      cookieKey,
    );
    const [shortClient, shortServer] = [pair?.subarray(0, KEY_BYTES), pair?.subarray(KEY_BYTES)];
    const key = shortClient && shortServer && sharedKey(shortClient, shortServer);
    const nonce = command.readBigUInt64BE(nonceAt);
    // C3
    if (!key || nonce <= received) return undefined;
    const box = command.subarray(nonceAt + SHORT_NONCE_BYTES);
    const plain = unseal(box, shortNonce('CurveZMQINITIATE', nonce), key);
    if (!plain) return undefined;
    const client = plain.subarray(0, KEY_BYTES);
    const vouch = plain.subarray(KEY_BYTES, KEY_BYTES + VOUCH_BYTES);
    // C4
    const vouchKey = sharedKey(client, shortServer);
    const vouchNonce = longNonce('VOUCH---', vouch.subarray(0, LONG_NONCE_BYTES));
    const vouched = vouchKey && unseal(vouch.subarray(LONG_NONCE_BYTES), vouchNonce, vouchKey);
    if (!vouched || !isSame(vouched, Buffer.concat([shortClient, server.publicKey]))) return undefined;
    const phase = { kind: 'open' as const, key, received: nonce, sent: 0n };
    this.#phase = phase;
    const reply = framed(COMMAND, this.#ready(phase));
    const metadata = Buffer.from(plain.subarray(KEY_BYTES + VOUCH_BYTES));
    return { kind: 'ready' as const, metadata, reply, key: toZ85(client) };
  }

  #ready(phase: Extract<Phase, { kind: 'open' }>): Buffer {
    phase.sent += 1n;
    const nonce = shortNonce('CurveZMQREADY---', phase.sent);
    return commandBody('READY', nonce.subarray(LONG_NONCE_BYTES), seal(this.#metadata, nonce, phase.key));
  }

  #seal(flags: number, body: Uint8Array): Uint8Array {
    const phase = this.#phase;
    if (phase.kind !== 'open') throw new Error('nothing can be sent before the handshake is over');
    // C3
    phase.sent += 1n;
    const nonce = shortNonce('CurveZMQMESSAGES', phase.sent);
    const plain = Buffer.allocUnsafe(1 + body.byteLength);
    plain[0] = flags;
    plain.set(body, 1);
    const box = seal(plain, nonce, phase.key);
    const short = nonce.subarray(LONG_NONCE_BYTES);
    return Buffer.concat([headOf(0, OVERHEAD_BYTES + body.byteLength), MESSAGE, short, box]);
  }
}

const broken = (why: string): HandshakeStep => ({ kind: 'broken', why });

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start);
}

/** Sixteen characters and a counter. */
function shortNonce(purpose: string, counter: bigint): Buffer {
  const nonce = Buffer.allocUnsafe(NONCE_BYTES);
  nonce.write(purpose, 'latin1');
  nonce.writeBigUInt64BE(counter, LONG_NONCE_BYTES);
  return nonce;
}

/** Eight characters and sixteen random bytes. */
function longNonce(purpose: string, random: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(purpose, 'latin1'), random]);
}
