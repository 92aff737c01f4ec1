import { expect, it } from 'vitest';
import { EngineUnavailable } from '../../../nodes/agent/engine.js';
import { MemoryCluster, MemoryEngine, type MemoryProgram } from '../../support/memory-engine.js';
import { act, engineContract, observe } from './engine-contract.js';

const signals: Readonly<Record<string, number>> = { KILL: 9 };
const forever = new Promise<number>(() => {});

/** What `act.sh` does, as a function. */
const deeds: MemoryProgram = async ({ argv: [, deed, ...rest], env, files, write, terminated }) => {
  const sigterm = new Promise<number>((resolve) => {
    terminated.addEventListener('abort', () => resolve(143), { once: true });
  });
  switch (deed) {
    case 'exit':
      return Number(rest[0]);
    case 'die':
      return 128 + signals[rest[0]!]!;
    case 'say':
      write('stdout', rest.map((word) => `${word}\0`).join(''));
      return 0;
    case 'variables':
      write('stdout', rest.map((name) => `${env[name]}\0`).join(''));
      return 0;
    case 'complain':
      write('stderr', `${rest[0]}\n`);
      return 0;
    case 'copy':
      files.set(env.TUTTI_OUTPUT!, files.get(`${env.TUTTI_INPUTS}/${rest[0]}`)!);
      return 0;
    case 'count':
      for (let i = 1; i <= Number(rest[0]); i++) write('stdout', `${i}\n`);
      return 0;
    case 'hang':
      write('stdout', `${rest[0]}\n`);
      return sigterm;
    case 'family':
      write('stdout', 'ready\n');
      return forever;
    default:
      return 0;
  }
};

const cluster = new MemoryCluster({ './act.sh': deeds });
const place = {
  engine: new MemoryEngine(cluster),
  again: () => new MemoryEngine(cluster),
  starts: async (key: string) => cluster.starts.get(key) ?? 0,
  // A family is four.
  processes: async (key: string) => {
    const attempt = cluster.attempts.get(key);
    return attempt !== undefined && attempt.result === undefined ? 4 : 0;
  },
  env: {},
};

engineContract('the engine in memory', async () => place);

it('the engine in memory can lose a command and be away', async () => {
  const launch = act(place, ['hang', 'on']);
  await place.engine.launch(launch);
  cluster.lose(launch.key);
  expect(await observe(place.engine, launch.key)).toMatchObject({ state: 'ended', reason: 'lost' });
  cluster.unavailable = new EngineUnavailable('silent', 'away');
  await expect(place.engine.observe([launch.key])).rejects.toMatchObject({ code: 'silent' });
  cluster.unavailable = undefined;
});
