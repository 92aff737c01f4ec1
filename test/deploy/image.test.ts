/** The image and the compose file, as the linters of their field see them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DCLINT = join(ROOT, 'node_modules/dclint/bin/dclint.cjs');

const faultsOf = (dockerfile: string): string[] =>
  validate(dockerfile).map(({ message }) => (typeof message === 'string' ? message : message.value));
const lint = (file: string) => {
  const { status, stdout } = spawnSync(process.execPath, [DCLINT, '--quiet', file], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, said: stdout.trim() };
};

it('the Dockerfile has no fault, and a wrong one is found', () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  expect(faultsOf(dockerfile)).toEqual([]);
  expect(faultsOf(dockerfile.replace('USER node', 'USR node'))).toEqual(['Unknown instruction: USR']);
});

it('deploy/compose.yaml fits the schema of compose files and breaks no rule', () => {
  expect(lint('deploy/compose.yaml')).toEqual({ status: 0, said: '' });
  expect(lint('deploy/tutti.yaml').status).toBe(1);
});
