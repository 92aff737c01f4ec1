import { describe, expect, it } from 'vitest';
import { toHttpError } from '../../frontend-bridge/gateway/errors.js';
import { unavailableBy } from '../../src/base/io-errors.js';

const PATH = '/var/lib/tutti/blobs/ab/abc';
const failed = (code: string): Error => Object.assign(new Error(`${code}: failed, open '${PATH}'`), { code });

describe('an error of a file', () => {
  it.each([
    ['EMFILE', 'too_many_open_files'],
    ['ENFILE', 'too_many_open_files'],
    ['EIO', 'disk_failed'],
    ['EROFS', 'disk_failed'],
    ['EACCES', 'disk_failed'],
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
  ])('%s is ours, and passes: 503 %s without a path', (errno, code) => {
    const error = toHttpError(failed(errno), {});
    expect(error).toMatchObject({ status: 503, code });
    expect(error.retryAfter).toBeGreaterThan(0);
    expect(error.message).not.toContain('/');
  });

  it.each(['ENOENT', 'ECONNRESET', 'EPIPE', 'EINVAL'])('%s says nothing of the kind', (errno) => {
    expect(unavailableBy(failed(errno))).toBeUndefined();
  });

  it('is told from anything else that is thrown', () => {
    for (const thrown of [undefined, null, 'EIO', 5, {}]) expect(unavailableBy(thrown)).toBeUndefined();
  });
});
