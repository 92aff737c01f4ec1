/**
 * A loss of power, after the process that ran with the shim of `slow-sync.c` and `TUTTI_UNDO_LOG` was killed: of every page of every file, the disk
 * has what was synced last, or any state after that.
 *
 * Renames and new files count as synced: those that are lost leave what the process had found before.
 */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const ENTRY_BYTES = 40;
const PAGE = 4096;

interface Written {
  readonly inode: bigint;
  readonly offset: number;
  readonly bytes: number;
  readonly old: Buffer;
  isSynced: boolean;
}

/** Takes unsynced pages of the files below a folder back, as `isKept` says. Returns how many pages were taken back. */
export async function losePower(folder: string, undoLog: string, isKept: () => boolean): Promise<number> {
  const paths = new Map<bigint, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    paths.set((await stat(path, { bigint: true })).ino, path);
  }
  const settled = new Set<string>();
  let lost = 0;
  for (const { inode, offset, bytes, old, isSynced } of parse(await readFile(undoLog)).toReversed()) {
    const path = paths.get(inode);
    if (path === undefined) continue;
    const file = await open(path, 'r+');
    for (let at = offset; at < offset + bytes; at = (Math.floor(at / PAGE) + 1) * PAGE) {
      const page = `${inode}/${Math.floor(at / PAGE)}`;
      if (isSynced || settled.has(page) || isKept()) {
        settled.add(page);
        continue;
      }
      const end = Math.min((Math.floor(at / PAGE) + 1) * PAGE, offset + bytes);
      const before = Buffer.alloc(end - at);
      // Behind the old end of the file there was nothing, which reads as zeros.
      if (at - offset < old.length) old.copy(before, 0, at - offset, end - offset);
      await file.write(before, 0, before.length, at);
      lost += 1;
    }
    await file.close();
  }
  return lost;
}

/** The writes in their order. */
function parse(log: Buffer): Written[] {
  const written: Written[] = [];
  const begun = new Map<bigint, number>();
  for (let at = 0; at + ENTRY_BYTES <= log.length; ) {
    const kind = String.fromCharCode(log[at]!);
    const oldBytes = log.readUInt32LE(at + 4);
    const inode = log.readBigUInt64LE(at + 8);
    const offset = Number(log.readBigInt64LE(at + 16));
    const bytes = Number(log.readBigInt64LE(at + 24));
    const number = log.readBigInt64LE(at + 32);
    at += ENTRY_BYTES;
    if (kind === 'W') {
      const old = log.subarray(at, at + oldBytes);
      written.push({ inode, offset, bytes, old, isSynced: false });
      at += oldBytes;
    } else if (kind === 'C') {
      const one = written.findLast(
        (each) => each.inode === inode && each.offset === offset && each.bytes === bytes,
      );
      if (one !== undefined) one.isSynced = true;
    } else if (kind === 'B') {
      begun.set(number, written.length);
    } else {
      for (const one of written.slice(0, begun.get(number))) if (one.inode === inode) one.isSynced = true;
    }
  }
  return written;
}
