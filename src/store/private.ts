import { chmodSync, statSync } from 'node:fs';

const OTHERS = 0o077;

/**
 * Take what others may do with a file or a folder away, whatever the umask was when it was made; what is not there is left so.
 * @returns Whether others have no permissions left. Not where it belongs to another user or the disk knows no modes.
 */
export function makePrivate(path: string): boolean {
  try {
    const { mode } = statSync(path);
    if ((mode & OTHERS) === 0) return true;
    chmodSync(path, mode & 0o700);
    return (statSync(path).mode & OTHERS) === 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EPERM' || code === 'EROFS' || code === 'EACCES' || code === 'ENOTSUP') return false;
    throw error;
  }
}
