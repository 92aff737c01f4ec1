import { afterEach, expect, it, vi } from 'vitest';
import { paced } from '../../../nodes/sustainml/paced.js';

const work = (): string => 'done';
// Only what a paced handler uses.
const task = (signal: AbortSignal, said: unknown[] = []): never =>
  ({ signal, progress: (fraction: number, message: string) => said.push([fraction, message]) }) as never;

afterEach(() => vi.unstubAllEnvs());

it('leaves a handler as it is unless a pace is set', () => {
  expect(paced(['working'], work)).toBe(work);
});

it('shows each stage on the way, then gives what the handler gives', async () => {
  vi.stubEnv('SUSTAINML_PACE_MS', '20');
  const said: [number, string][] = [];
  expect(await paced(['reading', 'choosing'], work)(task(new AbortController().signal, said))).toBe('done');
  expect(said[0]).toEqual([0, 'reading']);
  expect(said.at(-1)).toEqual([0.95, 'choosing']);
});

it('ends at once when the task is stopped', async () => {
  vi.stubEnv('SUSTAINML_PACE_MS', '3600000');
  const handler = vi.fn(work);
  await expect(paced(['working'], handler)(task(AbortSignal.abort()))).rejects.toThrow('aborted');
  expect(handler).not.toHaveBeenCalled();
});
