/** Errors of files that mean this machine, and not the caller: the same request may succeed later. */

export interface Unavailable {
  readonly code: 'disk_full' | 'too_many_open_files' | 'disk_failed';
  /** Without paths, which are ours. */
  readonly message: string;
  /** Seconds. */
  readonly retryAfter: number;
}

const DISK_FULL: Unavailable = { code: 'disk_full', message: 'the disk is full', retryAfter: 10 };
const TOO_MANY: Unavailable = {
  code: 'too_many_open_files',
  message: 'this process has reached its limit of open files and connections',
  retryAfter: 5,
};
/** Also what none of the errors below says: something else is where a file or a folder of ours should be. */
export const DISK_FAILED: Unavailable = {
  code: 'disk_failed',
  message: 'the disk cannot be read or written',
  retryAfter: 30,
};
const BY_ERRNO: ReadonlyMap<unknown, Unavailable> = new Map([
  ['ENOSPC', DISK_FULL],
  ['EDQUOT', DISK_FULL],
  ['EFBIG', DISK_FULL],
  ['EMFILE', TOO_MANY],
  ['ENFILE', TOO_MANY],
  ['ENOMEM', TOO_MANY],
  ['EIO', DISK_FAILED],
  ['EROFS', DISK_FAILED],
  ['EACCES', DISK_FAILED],
  ['EPERM', DISK_FAILED],
  ['ENXIO', DISK_FAILED],
  ['ESTALE', DISK_FAILED],
]);

/** What a thrown error says about this machine; nothing where it says something else. */
export function unavailableBy(thrown: unknown): Unavailable | undefined {
  return BY_ERRNO.get((thrown as { code?: unknown } | null | undefined)?.code);
}
