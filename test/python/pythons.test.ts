/** Every interpreter of this machine; `npm run test:pythons` has them do all tests, those with real processes too. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { missing, root } from './python.js';

it('the Python SDK compiles and passes its tests without processes on every interpreter that is found', {
  timeout: 300_000,
}, async (ctx) => {
  const tool = missing('zmq', 'google.protobuf');
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/python-matrix.mjs', '--smoke'], {
    cwd: root,
    maxBuffer: 1 << 26,
  });
  console.log(stdout);
  expect(stdout).toMatch(/^CPython 3\.\d+\.\d+ .*: [1-9]\d* passed, 0 failed/m);
  expect(stdout).toMatch(/^[1-9]\d* passed, 0 failed$/m);
});
