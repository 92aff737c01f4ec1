/** Leftovers of the fleet: commands finished long ago, boots replaced long ago, nodes long dead. */

import { entriesOf } from '../../store/pages.js';
import type { Key } from '../../store/store.js';
import { DELETES_AT_ONCE } from '../proposals/proposals.js';
import * as tables from '../tables/tables.js';
import { namesOf, type Pass, remove } from './pass.js';

const PAGE = 100;
/** Beyond this number, the oldest replaced boots are removed early: a process that restarts in a loop does not fill a disk. */
const BOOTS_KEPT = 100_000;
/** Instances that keep their node_id for ever; of more, those that have been dead the longest are forgotten. */
export const NODES_KEPT = 5_000;

/** Those that were issued before. The oldest come first, since their ids grow with time. Returns how many are gone. */
export async function forgetCommands(pass: Pass, before: number): Promise<number> {
  const { store, signal } = pass;
  let commands = 0;
  let after: Key | undefined;
  while (!signal.aborted) {
    const page = await store.range('commands', { prefix: [], limit: PAGE, ...(after && { after }) });
    const old: Key[] = [];
    for (const { key, value } of page) {
      after = key;
      if (tables.commands.decode(value).issued_at >= before) break;
      const isOpen = (await store.get('commands_pending', key)) !== undefined;
      if (!isOpen) old.push(key);
    }
    if (old.length > 0) {
      const { count, last } = await remove(pass, { kind: 'remove commands', commandIds: namesOf(old) });
      commands += count;
      if (last !== 'done') break;
    }
    const newest = page.at(-1);
    if (page.length < PAGE || !newest || after !== newest.key) break;
  }
  return commands;
}

/**
 * Those that were replaced before, and those beyond the newest that are kept. A process that comes back after its boot is forgotten names the
 * incarnation that it was given, by which it is known. Returns how many are gone.
 */
export async function forgetBoots(pass: Pass, before: number): Promise<number> {
  const kept: { readonly key: Key; readonly at: number }[] = [];
  const old: Key[] = [];
  for await (const { key, value } of entriesOf(pass.store, 'boots')) {
    if (pass.signal.aborted) return 0;
    const at = tables.boots.decode(value).replaced_at;
    if (at < before) old.push(key);
    else kept.push({ key, at });
  }
  if (kept.length > BOOTS_KEPT) {
    kept.sort((a, b) => b.at - a.at);
    old.push(...kept.slice(BOOTS_KEPT).map(({ key }) => key));
  }
  let boots = 0;
  for (let at = 0; at < old.length && !pass.signal.aborted; at += DELETES_AT_ONCE) {
    const bootIds = namesOf(old.slice(at, at + DELETES_AT_ONCE));
    const { count, last } = await remove(pass, { kind: 'remove boots', bootIds });
    boots += count;
    if (last !== 'done') break;
  }
  return boots;
}

/** Those that were last seen before, where there are more than are kept. Returns how many are gone. */
export async function forgetNodes(pass: Pass, seenBefore: number, kept: number): Promise<number> {
  return (await remove(pass, { kind: 'remove nodes', seenBefore, kept })).count;
}
