/**
 * The image without a container: the files that the last stage of the Dockerfile has, laid out below a folder, its production packages
 * alone, and the process that ENTRYPOINT and the compose file start there, as another user where the test is root. It listens on
 * loopback at ports of its own; everything else is as the files say.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { graphFile } from '../support/orchestrator.js';

const ROOT = join(import.meta.dirname, '../..');
const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const COMPOSE = parse(readFileSync(join(ROOT, 'deploy/compose.yaml'), 'utf8')).services.orchestrator as {
  readonly command: readonly string[];
  readonly stop_grace_period: string;
  readonly volumes: readonly string[];
  readonly secrets: readonly string[];
};
const TOKEN = 'a-token-of-enough-characters';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
/** Of the image: its `node`. */
const USER = 1000;
const identity = process.getuid?.() === 0 ? { uid: USER, gid: USER } : {};

/** The arguments of an instruction in its JSON form. */
function argumentsOf(instruction: RegExp): string[] {
  const [, json] = instruction.exec(DOCKERFILE) ?? [];
  return JSON.parse(json!);
}

let image: string;
/** What a path of the image, or of the container, is here. */
const inImage = (path: string): string => join(image, path);
const here = (argument: string): string => (argument.startsWith('/') ? inImage(argument) : argument);

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

function environment(httpPort: number): Record<string, string> {
  const [, line] = /^ENV (.*TUTTI_DATA.*)$/m.exec(DOCKERFILE)!;
  const own = Object.fromEntries(line!.split(' ').map((each) => each.split('=') as [string, string]));
  return {
    ...own,
    TUTTI_DATA: here(own.TUTTI_DATA!),
    PATH: `${inImage('/usr/local/bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
    // Nothing but the data may be written.
    HOME: inImage('/home/node'),
    TUTTI_HOST: '127.0.0.1',
    TUTTI_HTTP_PORT: String(httpPort),
    ...{ TUTTI_CONTROL_PORT: '0', TUTTI_OUTPUTS_PORT: '0', TUTTI_EVENTS_PORT: '0' },
  };
}

async function start() {
  const env = environment(await freePort());
  const [program, ...args] = [...argumentsOf(/^ENTRYPOINT (.*)$/m), ...COMPOSE.command.map(here)];
  const child = spawn(program!, args, {
    env,
    cwd: inImage('/app'),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...identity,
  });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  const isReady = new Promise<void>((resolve) => {
    child.stdout.on('data', () =>
      said.includes('\nready ') || said.startsWith('ready ') ? resolve() : undefined,
    );
  });
  await Promise.race([isReady, ended.then(([code]) => expect.fail(`it ended with ${code}: ${said}`))]);
  const http = `http://127.0.0.1:${env.TUTTI_HTTP_PORT}/v1`;
  return {
    async ask(path: string, method = 'GET', body?: unknown, type = 'application/json') {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const headers = { ...AUTHORIZED, ...(body !== undefined && { 'content-type': type }) };
      const answer = await fetch(`${http}${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: text }),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
    /** The exit code of the health check. */
    async health(): Promise<number | null> {
      const [check, ...rest] = argumentsOf(/^HEALTHCHECK [^[]*(\[.*\])$/m);
      const probe = spawn(check!, rest, { env, stdio: 'ignore', ...identity });
      return ((await once(probe, 'exit')) as [number | null])[0];
    },
    async stop(): Promise<{ code: number | null; seconds: number }> {
      const began = performance.now();
      child.kill(/^STOPSIGNAL (\w+)$/m.exec(DOCKERFILE)![1] as NodeJS.Signals);
      const [code] = await ended;
      return { code, seconds: (performance.now() - began) / 1000 };
    },
  };
}

beforeAll(() => {
  image = mkdtempSync(join(tmpdir(), 'tutti-image-'));
  chmodSync(image, 0o755);
  for (const folder of ['app/node_modules', 'usr/local/bin', 'etc/tutti', 'run/secrets', 'data'])
    mkdirSync(inImage(folder), { recursive: true });
  // As `npm prune --omit=dev` leaves them.
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const kept = Object.entries(packages)
    .filter(([path, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev)
    .map(([path]) => path)
    .filter((path) => existsSync(join(ROOT, path)));
  const copies = ['package.json', 'dist', ...kept];
  const copy = (how: string) =>
    spawnSync('cp', [how, '--parents', ...copies, inImage('/app')], { cwd: ROOT }).status;
  expect(copy('-al') === 0 ? 0 : copy('-a')).toBe(0);
  const [, target, link] = /ln -s (\S+) (\S+)/.exec(DOCKERFILE)!;
  symlinkSync(inImage(target!), inImage(link!));
  chmodSync(inImage('/data'), 0o700);
  if (identity.uid !== undefined) chownSync(inImage('/data'), identity.uid, identity.gid);
  // As the compose file mounts them; `graphs` and the token are the operator's.
  for (const mount of COMPOSE.volumes.filter((each) => each.startsWith('./'))) {
    const [from, to] = mount.split(':') as [string, string];
    if (from === './graphs') cpSync(graphFile('one'), inImage(`${to}/one.yaml`));
    else cpSync(join(ROOT, 'deploy', from), inImage(to));
  }
  for (const name of COMPOSE.secrets) writeFileSync(inImage(`/run/secrets/${name}`), `${TOKEN}\n`);
}, 60_000);
afterAll(() => rmSync(image, { recursive: true, force: true }));

it('the image starts as the compose file says, is healthy, ends in time, and has its data when it starts again', async () => {
  const first = await start();
  expect(await first.health()).toBe(0);
  const graph = readFileSync(inImage('/etc/tutti/graphs/one.yaml'), 'utf8');
  expect((await first.ask('/graphs/one', 'PUT', graph, 'application/yaml')).status).toBe(201);
  const submitted = await first.ask('/problems', 'POST', { graph: 'one', input: { size: 3 }, title: 'kept' });
  expect(submitted.status).toBe(201);
  const grace = Number(/^(\d+)s$/.exec(COMPOSE.stop_grace_period)![1]);
  const ended = await first.stop();
  expect(ended.code).toBe(0);
  expect(ended.seconds).toBeLessThan(grace);
  expect(await first.health()).toBe(1);

  const second = await start();
  expect(await second.health()).toBe(0);
  const { status, body } = await second.ask(`/problems/${submitted.body.problem_id}`);
  expect([status, body.title]).toEqual([200, 'kept']);
  expect((await second.stop()).code).toBe(0);
  expect(existsSync(inImage('/home'))).toBe(false);
}, 60_000);
