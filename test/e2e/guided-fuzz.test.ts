/** A short run of `npm run fuzz` over graph files and bodies; frames have one of their own in `test/fuzz`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MINUTES = 0.25;
const ROOT = join(import.meta.dirname, '../..');

it.each(['graph', 'bodies'])(
  'no input of the target %s breaks a promise, hangs or takes the memory',
  (target) => {
    const program = ['test/chaos/run.mjs', 'test/fuzz/main.ts'];
    const options = ['--minutes', String(MINUTES), '--target', target, '--seed', String(SEED)];
    const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...options], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    console.log(stdout);
    expect(status, stdout + stderr).toBe(0);
    expect(Number(new RegExp(`^${target}: (\\d+) inputs`, 'm').exec(stdout)?.[1])).toBeGreaterThan(100);
  },
);
