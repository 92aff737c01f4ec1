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
/** Random bytes are drawn for so many secrets at a time: the call costs more than the bytes. */
const POOLED_SECRETS = 256;

function pooledSecrets(): () => string {
  let pool: Buffer = Buffer.alloc(0);
  return () => {
    if (pool.length === 0) pool = randomBytes(SECRET_BYTES * POOLED_SECRETS);
    const secret = pool.toString('base64url', 0, SECRET_BYTES);
    pool = pool.subarray(SECRET_BYTES);
    return secret;
  };
}

export const systemIds: IdSource = { uuid: () => v7(), secret: pooledSecrets() };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether `text` is a lower-case UUIDv7. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
