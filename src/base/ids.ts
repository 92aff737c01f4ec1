import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';

/** Where new ids come from: the system's in production, a seeded one in the simulation. */
export interface IdSource {
  /** A lower-case UUIDv7. */
  uuid(): string;
  /** An unguessable string, for leases. */
  secret(): string;
}

const SECRET_BYTES = 18;
const UUID_BYTES = 16;
/** Random bytes are drawn for so many ids at a time: the call costs more than the bytes. */
const POOLED = 256;

/** Draws `bytes` random bytes at a time. */
function pooled(bytes: number): () => Buffer {
  let pool: Buffer = Buffer.alloc(0);
  return () => {
    if (pool.length === 0) pool = randomBytes(bytes * POOLED);
    const drawn = pool.subarray(0, bytes);
    pool = pool.subarray(bytes);
    return drawn;
  };
}

/** Those of one process grow, also within a millisecond, and when the clock steps back. */
function growingUuids(): () => string {
  const random = pooled(UUID_BYTES);
  let msecs = 0;
  let seq = 0;
  return () => {
    const now = Date.now();
    const drawn = random();
    if (now > msecs) {
      msecs = now;
      seq = drawn.readUInt32BE(6) >>> 1;
    } else {
      seq = (seq + 1) >>> 0;
      if (seq === 0) msecs += 1;
    }
    return v7({ random: drawn, msecs, seq });
  };
}

function secrets(): () => string {
  const random = pooled(SECRET_BYTES);
  return () => random().toString('base64url');
}

export const systemIds: IdSource = { uuid: growingUuids(), secret: secrets() };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether `text` is a lower-case UUIDv7. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
