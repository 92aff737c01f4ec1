/** The dialling side of CurveZMQ, byte by byte, for tests that need to say what libzmq would not. */
import { type KeyPair, keyPairOf, seal, sharedKey, unseal } from '../../../src/bus/zmtp/boxes.js';
import { COMMAND, commandBody, framed, greetingOf, metadataOf } from '../../../src/bus/zmtp/frames.js';

export const CURVE_GREETING: Buffer = greetingOf('CURVE', false);

const short = (purpose: string, counter: bigint): Buffer => {
  const nonce = Buffer.alloc(24);
  nonce.write(purpose, 'latin1');
  nonce.writeBigUInt64BE(counter, 16);
  return nonce;
};
const long = (purpose: string): Buffer => Buffer.concat([Buffer.from(purpose), Buffer.alloc(16, 7)]);

export class CurveClient {
  readonly #serverKey: Uint8Array;
  readonly #long: KeyPair;
  readonly #short: KeyPair = keyPairOf();
  #sent = 0n;
  #key: Uint8Array | undefined;

  constructor(serverKey: Uint8Array, own: KeyPair = keyPairOf()) {
    this.#serverKey = serverKey;
    this.#long = own;
  }

  hello(): Buffer {
    this.#sent += 1n;
    const nonce = short('CurveZMQHELLO---', this.#sent);
    const key = sharedKey(this.#serverKey, this.#short.secretKey)!;
    const version = Buffer.alloc(74);
    version[0] = 1;
    const box = seal(new Uint8Array(64), nonce, key);
    return framed(COMMAND, commandBody('HELLO', version, this.#short.publicKey, nonce.subarray(16), box));
  }

  /** `welcome`: the body of the server's command. `vouchFor`: the server key in the vouch. */
  initiate(welcome: Uint8Array, socketType: string, vouchFor: Uint8Array = this.#serverKey): Buffer {
    const helloKey = sharedKey(this.#serverKey, this.#short.secretKey)!;
    const nonceOfWelcome = Buffer.concat([Buffer.from('WELCOME-'), welcome.subarray(8, 24)]);
    const plain = unseal(welcome.subarray(24), nonceOfWelcome, helloKey);
    if (!plain) throw new Error('WELCOME cannot be opened');
    const shortServer = plain.subarray(0, 32);
    this.#key = sharedKey(shortServer, this.#short.secretKey)!;
    const vouchKey = sharedKey(shortServer, this.#long.secretKey)!;
    const vouchNonce = long('VOUCH---');
    const vouch = seal(Buffer.concat([this.#short.publicKey, vouchFor]), vouchNonce, vouchKey);
    this.#sent += 1n;
    const nonce = short('CurveZMQINITIATE', this.#sent);
    const inside = Buffer.concat([
      ...[this.#long.publicKey, vouchNonce.subarray(8), vouch, metadataOf(socketType)],
    ]);
    const box = seal(inside, nonce, this.#key);
    return framed(COMMAND, commandBody('INITIATE', plain.subarray(32), nonce.subarray(16), box));
  }

  /** A message, one frame on the wire for each of its own. `flags`: those inside of each, as they come. */
  frame(flags: number, body: string | Uint8Array): Buffer {
    this.#sent += 1n;
    const nonce = short('CurveZMQMESSAGEC', this.#sent);
    const box = seal(Buffer.concat([Buffer.from([flags]), Buffer.from(body)]), nonce, this.#key!);
    return framed(0, commandBody('MESSAGE', nonce.subarray(16), box));
  }

  message(...frames: readonly (string | Uint8Array)[]): Buffer {
    return Buffer.concat(frames.map((body, index) => this.frame(index < frames.length - 1 ? 1 : 0, body)));
  }

  /** What is in a MESSAGE of the server, whose body this is. */
  read(body: Buffer): Buffer | undefined {
    const plain = unseal(body.subarray(16), short('CurveZMQMESSAGES', body.readBigUInt64BE(8)), this.#key!);
    return plain && Buffer.from(plain);
  }
}
