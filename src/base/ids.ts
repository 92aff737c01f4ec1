import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';

/** Where new ids come from: the system's in production, a seeded one in the simulation. */
export interface IdSource {
  /** A lower-case UUIDv7. */
  uuid(): string;
  /** An unguessable string, for leases. */
  secret(): string;
}

export const systemIds: IdSource = {
  uuid: () => v7(),
  secret: () => randomBytes(18).toString('base64url'),
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether `text` is a lower-case UUIDv7. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
