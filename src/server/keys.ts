/**
 * The keys of connections: from the store, and once from the file in which versions before kept them.
 *
 * The content of the file is durable in the store before the file is removed: if this is interrupted, the next start repeats it.
 */
import { systemClock } from '../base/clock.js';
import { type KeptKeys, withFile } from '../orchestrator/access/kept-keys.js';
import { type KeyRecord, NodeKeys, type NodeKeysDeps } from '../orchestrator/access/node-keys.js';
import { readKeyFile, removeKeyFile } from '../store/key-file.js';

export interface HeldKeys {
  /** Where connections are encrypted. */
  readonly keys: NodeKeys | undefined;
  /** Settles when all of them are in the store. It takes an orchestrator that has started. */
  keep(): Promise<void>;
}

/** Throws `TuttiError` `keys_damaged`. */
export async function openKeys(
  file: string,
  kept: KeptKeys,
  isEncrypted: boolean,
  listeners: Pick<NodeKeysDeps, 'onRevoked' | 'onEnrolled'>,
): Promise<HeldKeys> {
  const before = (await readKeyFile(file)) as KeyRecord | undefined;
  const stored = before ? withFile(kept.record, before) : kept.record;
  const save = (record: KeyRecord): Promise<void> => kept.save(record);
  const keys = isEncrypted
    ? new NodeKeys({ ...listeners, stored, save, nowMs: () => systemClock.wallMs() })
    : undefined;
  return {
    keys,
    async keep() {
      await (keys ? keys.keep() : save(stored));
      if (before) await removeKeyFile(file);
    },
  };
}
