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
/** Also for errors that are not listed below: something else is in the place of one of our files or folders. */
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

/** The condition of this machine that a thrown error reports; `undefined` for any other error. */
export function unavailableBy(thrown: unknown): Unavailable | undefined {
  return BY_ERRNO.get((thrown as { code?: unknown } | null | undefined)?.code);
}
