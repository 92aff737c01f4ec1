/** What `deploy/` contains works: nginx under a sub-path, the units, the example options, the image's files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.js';
import { OPTIONS } from '../../src/config/options.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const ROOT = join(import.meta.dirname, '../..');
const DEPLOY = join(ROOT, 'deploy');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path));

describe.skipIf(NGINX === undefined)('deploy/nginx/tutti.conf', () => {
  const scene = Scene.ofFile();
  const TOKEN = 'a-token-of-enough-characters';
  let site: string;

  beforeAll(async () => {
    const port = await freePort();
    site = `http://127.0.0.1:${port}`;
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one'],
      args: ['--token', TOKEN, '--origin', site],
    });
    // The file as it is, but for its addresses and the certificate.
    const server = read('deploy/nginx/tutti.conf')
      .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
      .replace(/^ *ssl_certificate.*$/gm, '')
      .replaceAll('http://127.0.0.1:7480', orchestrator.ready.http);
    const folder = await scene.directory();
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    const user = process.getuid?.() === 0 ? 'user root;' : '';
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; ${user} pid ${folder}/pid; error_log stderr;
       events {} http { access_log off; ${temporary.join(' ')} ${server} }`,
    );
    scene.spawn(['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], {}, undefined, NGINX);
    await vi.waitFor(async () => expect((await fetch(`${site}/tutti/livez`)).status).toBe(200), 20_000);
  });

  it('serves the page and all that it loads under the prefix', async () => {
    const redirect = await fetch(`${site}/tutti`, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([308, `${site}/tutti/`]);
    const page = await fetch(`${site}/tutti/`);
    const html = await page.text();
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => new URL(url!, page.url));
    expect(loaded.length).toBeGreaterThan(1);
    for (const url of loaded) {
      expect(url.pathname).toMatch(/^\/tutti\//);
      expect([url.pathname, (await fetch(url)).status]).toEqual([url.pathname, 200]);
    }
  });

  it('passes requests, uploads and the stream on, for the page’s own origin only', async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, origin: site };
    const submitted = await fetch(`${site}/tutti/v1/problems`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ graph: 'one', input: {} }),
    });
    expect(submitted.status).toBe(201);
    const foreign = await fetch(`${site}/tutti/v1/problems`, {
      headers: { ...headers, origin: 'http://evil.example' },
    });
    expect(foreign.status).toBe(403);
    const stream = new WebSocket(`${site.replace('http', 'ws')}/tutti/v1/stream`, { headers });
    scene.atEnd(() => stream.terminate());
    const [first] = await new Promise<unknown[]>((resolve, reject) => {
      stream.once('message', (data) => resolve([JSON.parse(String(data))]));
      stream.once('error', reject);
    });
    expect(first).toMatchObject({ type: 'hello' });
  });
});

const SYSTEMD = existsSync('/usr/bin/systemd-analyze');

describe.skipIf(!SYSTEMD)('the units', () => {
  const unit = (name: string): string => join(DEPLOY, 'systemd', name);

  it.each(['tutti.service', 'tutti-node@.service'])('%s has only settings that systemd knows', (name) => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', unit(name)], { encoding: 'utf8' });
    // The command is not installed where the tests run.
    const faults = stderr
      .split('\n')
      .filter((line) => line.includes('tutti') && !/is not executable/.test(line));
    expect(faults).toEqual([]);
  });

  it('give the orchestrator hardly any rights beyond its own', () => {
    const args = ['security', '--offline=yes', '--threshold=20', unit('tutti.service')];
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    expect([status, stdout.split('\n').find((line) => line.includes('exposure level'))]).toEqual([
      0,
      expect.stringContaining('OK'),
    ]);
  });
});

describe('the example options and the image', () => {
  it('have options that there are, also where a comment is to be taken out', () => {
    const file = join(DEPLOY, 'tutti.yaml');
    expect(loadConfig({ flags: {}, env: {}, file })).toMatchObject({ logFormat: 'json' });
    const all = parse(read('deploy/tutti.yaml').replace(/^# (\w+:)/gm, '$1')) as object;
    const names = Object.values(OPTIONS).map(({ name }) => name);
    expect(Object.keys(all).filter((name) => !names.includes(name))).toEqual([]);
    expect(Object.keys(all)).toContain('origins');
  });

  it('start with a command that is understood, without root, and with what the build has made', () => {
    const { services } = parse(read('deploy/compose.yaml')) as {
      services: { orchestrator: { command: string[]; volumes: string[]; ports: string[] } };
    };
    const { command } = services.orchestrator;
    const flags = command.filter((word) => word.startsWith('--'));
    const known = ['--config', ...Object.values(OPTIONS).map(({ flag }) => flag)];
    expect([command[0], flags.filter((flag) => !known.includes(flag))]).toEqual(['up', []]);
    const image = read('Dockerfile');
    const [build, runtime] = image.split(/^FROM .*$/m).slice(1) as [string, string];
    expect(build).toContain('npm ci');
    expect(runtime).toMatch(/^USER node$/m);
    for (const [, path] of runtime.matchAll(/\/app\/(\S+\.js)/g))
      expect([path, existsSync(join(ROOT, path!))]).toEqual([path, true]);
    const [, probe] = /HEALTHCHECK [^[]*(\[.*\])/s.exec(runtime)!;
    const [program, ...args] = JSON.parse(probe!.split('\n')[0]!) as string[];
    const { status } = spawnSync(program!, args, { env: { ...process.env, TUTTI_HTTP_PORT: '1' } });
    expect(status).toBe(1);
  });
});
