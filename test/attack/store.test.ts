/** Data that is damaged, gone, too open or under a limit, with a real orchestrator: a code and a hint, and never other data than what was stored. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OrchestratorProcess, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { type Run, tutti } from '../support/tutti.js';

const PORTS = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
const LARGE = 3 * 1024 * 1024;

const sha256Of = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
const put = (http: string, content: Uint8Array, sha256 = sha256Of(content)): Promise<Response> =>
  fetch(`${http}/v1/blobs/${sha256}`, { method: 'PUT', body: Buffer.from(content) });
const fileOf = (data: string, sha256: string): string => join(data, 'blobs', sha256.slice(0, 2), sha256);

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, at);
  await file.close();
}

const DAMAGES: readonly (readonly [string, (path: string, size: number) => Promise<void>])[] = [
  ['cut', (path, size) => truncate(path, size - 1)],
  ['emptied', (path) => truncate(path, 0)],
  ['longer', (path, size) => truncate(path, size + 1)],
  ['changed by a bit', (path, size) => flip(path, size - 1)],
  ['gone', (path) => rm(path)],
  [
    'a folder',
    (path) =>
      rm(path)
        .then(() => mkdir(path))
        .then(() => undefined),
  ],
];

describe('the file of a blob', () => {
  it.each(DAMAGES)(
    '%s is never served as the blob, is found by a check, and is mended by an upload',
    async (name, damage) => {
      const scene = Scene.ofTest();
      const { ready } = await OrchestratorProcess.up(scene);
      for (const content of [randomBytes(1000), randomBytes(LARGE)]) {
        const sha256 = sha256Of(content);
        const url = `${ready.http}/v1/blobs/${sha256}`;
        expect((await put(ready.http, content)).status).toBe(201);
        await damage(fileOf(ready.data, sha256), content.length);
        const served = await fetch(url).then(
          (reply) =>
            reply.arrayBuffer().then(
              (bytes) => ({ status: reply.status, bytes }),
              () => 'cut',
            ),
          () => 'cut',
        );
        // What was found to be damaged before the first byte is refused; the rest is cut off.
        if (served !== 'cut') expect(served).toMatchObject({ status: 503 });
        else expect([name, content.length]).toEqual(['changed by a bit', LARGE]);
        const check = await tutti(scene, ['check', ready.data, '--blobs', '--json']);
        expect(JSON.parse(check.stdout).faults).toMatchObject([{ where: `blobs ${sha256}` }]);
        if (name === 'a folder') {
          // A folder cannot be replaced by a file: an operator has to look.
          expect((await put(ready.http, content)).status).toBe(503);
          return;
        }
        const again = await put(ready.http, content);
        expect(again.status).toBe(201);
        expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(content)).toBe(true);
        expect(await tutti(scene, ['check', ready.data, '--blobs'])).toMatchObject({ code: 0 });
      }
    },
  );

  it('a complete blob file is not replaced by other content, and its upload is still hashed', async () => {
    const { ready } = await OrchestratorProcess.up(Scene.ofTest());
    const content = randomBytes(LARGE);
    const sha256 = sha256Of(content);
    expect((await put(ready.http, content)).status).toBe(201);
    expect((await put(ready.http, content)).status).toBe(200);
    const other = await put(ready.http, randomBytes(LARGE), sha256);
    expect([other.status, ((await other.json()) as { error: unknown }).error]).toMatchObject([
      422,
      { code: 'bad_digest' },
    ]);
    const reply = await fetch(`${ready.http}/v1/blobs/${sha256}`, { headers: { range: 'bytes=1000-1999' } });
    expect(Buffer.from(await reply.arrayBuffer()).equals(content.subarray(1000, 2000))).toBe(true);
  });

  it('goes into its folder again where that was removed, and without our paths in what is said', async () => {
    const { ready } = await OrchestratorProcess.up(Scene.ofTest());
    await rm(join(ready.data, 'blobs'), { recursive: true, force: true });
    expect((await put(ready.http, randomBytes(10))).status).toBe(201);
    await rm(join(ready.data, 'blobs'), { recursive: true });
    await writeFile(join(ready.data, 'blobs'), 'a file');
    const refused = await put(ready.http, randomBytes(10));
    const text = await refused.text();
    expect([refused.status, JSON.parse(text).error.code]).toEqual([503, 'disk_failed']);
    expect(text).not.toContain(ready.data);
  });
});

describe('a data directory that is taken away while it is in use', () => {
  const DISAPPEARANCES: readonly (readonly [string, (data: string, aside: string) => Promise<unknown>])[] = [
    ['removed', (data) => rm(data, { recursive: true })],
    ['moved', (data, aside) => rename(data, aside)],
    [
      'replaced by a copy of itself',
      (data, aside) => rename(data, aside).then(() => cp(aside, data, { recursive: true })),
    ],
    ['cut', (data) => truncate(join(data, 'store/store.mdb'), 0)],
  ];

  it.each(DISAPPEARANCES)(
    'a data directory that is %s gets no more acknowledgements',
    async (_name, take) => {
      const scene = Scene.ofTest();
      const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
      const { data } = orchestrator.ready;
      scene.atEnd(() => rm(`${data}-aside`, { recursive: true, force: true }));
      // A query waits for the tables: no transaction is under way, which LMDB would not survive in a cut file.
      expect((await orchestrator.get('/v1/problems?limit=1')).status).toBe(200);
      await take(data, `${data}-aside`);
      const reply = await orchestrator.post('/v1/problems', { graph: 'one', input: {} });
      expect(reply).toMatchObject({
        status: 503,
        body: { error: { code: 'store_gone', hint: expect.any(String) } },
      });
      expect((await put(orchestrator.ready.http, randomBytes(10))).status).toBe(503);
      expect((await orchestrator.get('/readyz')).status).toBe(503);
      expect((await orchestrator.get('/livez')).status).toBe(200);
    },
  );

  it('is used again once it is back', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const { data } = orchestrator.ready;
    await rename(data, `${data}-aside`);
    expect((await orchestrator.get('/readyz')).status).toBe(503);
    await rename(`${data}-aside`, data);
    expect((await orchestrator.post('/v1/problems', { graph: 'one', input: {} })).status).toBe(201);
    expect(await tutti(scene, ['check', data])).toMatchObject({ code: 0 });
  });
});

describe('a store that may be damaged', () => {
  async function stored(scene: Scene): Promise<string> {
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    await orchestrator.submit('one', {});
    await orchestrator.process.end('SIGTERM');
    return orchestrator.ready.data;
  }

  it.each<[string, (file: string) => Promise<unknown>]>([
    ['emptied', (file) => truncate(file, 0)],
    ['cut', async (file) => truncate(file, 100_000)],
    ['overwritten', async (file) => writeFile(file, randomBytes((await stat(file)).size))],
    ['zeroed', async (file) => writeFile(file, Buffer.alloc((await stat(file)).size))],
    ['gone', (file) => rm(file)],
  ])('(%s) is refused by `up` and named by `check`, and neither changes it', async (_name, damage) => {
    const scene = Scene.ofTest();
    const data = await stored(scene);
    const file = join(data, 'store/store.mdb');
    await damage(file);
    const hash = () => readFile(file).then(sha256Of, () => 'gone');
    const before = await hash();
    const up = await tutti(scene, ['up', '--data', data, ...PORTS]);
    expect([up.code, up.stderr]).toEqual([
      1,
      expect.stringMatching(/\(store_damaged\)[\s\S]*hint: .*restore/),
    ]);
    const check = await tutti(scene, ['check', data, '--json']);
    expect([check.code, JSON.parse(check.stdout).ok]).toEqual([1, false]);
    expect(JSON.parse(check.stdout).faults).toHaveLength(1);
    expect(await hash()).toBe(before);
    expect((await tutti(scene, ['backup', `${data}-copy`, '--data', data])).code).toBe(1);
    await rm(`${data}-copy`, { recursive: true, force: true });
  });

  it('a store that makes LMDB end its process is reported by the check', async () => {
    const scene = Scene.ofTest();
    const data = await stored(scene);
    const file = join(data, 'store/store.mdb');
    const bytes = await readFile(file);
    // Every page but the first ones: their layouts say nothing that can be true.
    for (let page = 2; page * 8192 < bytes.length; page += 1)
      bytes.fill(0xff, page * 8192 + 24, page * 8192 + 4000);
    await writeFile(file, bytes);
    const check = await tutti(scene, ['check', data, '--json']);
    expect(check.code).toBe(1);
    expect(JSON.parse(check.stdout).faults.length).toBeGreaterThan(0);
  });

  it('a store that turns out to be undamaged is left unchanged by a check', async () => {
    const scene = Scene.ofTest();
    const data = await stored(scene);
    const file = join(data, 'store/store.mdb');
    const before = await readFile(file);
    expect(await tutti(scene, ['check', data])).toMatchObject({ code: 0 });
    expect((await readFile(file)).equals(before)).toBe(true);
  });
});

describe('what an orchestrator writes', () => {
  async function openTo(folder: string): Promise<string[]> {
    const names = await readdir(folder, { recursive: true });
    const paths = [folder, ...names.map((name) => join(folder, name))];
    const modes = await Promise.all(
      paths.map(async (path) => [path, (await stat(path)).mode & 0o077] as const),
    );
    return modes.filter(([, mode]) => mode !== 0).map(([path]) => path);
  }

  it('is its user’s alone, whatever the umask is and however open its folder was made; so is a backup', async () => {
    const scene = Scene.ofTest();
    const folder = await scene.directory();
    const data = join(folder, 'data');
    await mkdir(data);
    for (const part of ['store', 'blobs', 'holder']) await mkdir(join(data, part));
    for (const path of [data, join(data, 'store'), join(data, 'blobs')]) await chmod(path, 0o755);
    const child = spawn(
      'bash',
      ['-c', `umask 0; exec '${process.execPath}' '${TUTTI}' up --data '${data}' ${PORTS.join(' ')}`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    scene.atEnd(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { http } = JSON.parse(line.toString().slice('ready '.length)) as { http: string };
    expect((await put(http, randomBytes(10))).status).toBe(201);
    expect(await openTo(data)).toEqual([]);
    const backup = join(folder, 'backup');
    expect(await tutti(scene, ['backup', backup, '--data', data])).toMatchObject({ code: 0 });
    expect(await openTo(backup)).toEqual([]);
  });

  it('is copied by a backup, so that damage to one is not damage to the other; `--link` says otherwise', async () => {
    const scene = Scene.ofTest();
    const { ready } = await OrchestratorProcess.up(scene);
    const content = randomBytes(1000);
    const sha256 = sha256Of(content);
    await put(ready.http, content);
    const folder = await scene.directory();
    for (const [name, options, links] of [
      ['copy', [], 1],
      ['linked', ['--link'], 2],
    ] as const) {
      const backup = join(folder, name);
      expect(await tutti(scene, ['backup', backup, '--data', ready.data, ...options])).toMatchObject({
        code: 0,
      });
      expect((await stat(fileOf(backup, sha256))).nlink).toBe(links);
      expect(await tutti(scene, ['check', backup, '--blobs'])).toMatchObject({ code: 0 });
    }
  });
});

describe('under a limit of the system', () => {
  /** `tutti up` after this of the shell; it is stopped once it is ready. */
  async function limited(limit: string): Promise<Run> {
    const scene = Scene.ofTest();
    const data = await scene.directory();
    const command = `${limit}; exec '${process.execPath}' '${TUTTI}' up --data '${data}' ${PORTS.join(' ')}`;
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('ready ')) child.kill('SIGTERM');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  it.each([
    'ulimit -v 64000000',
    'ulimit -v 16000000',
    'ulimit -v 4000000',
    'ulimit -n 128',
    'ulimit -f 100000',
  ])('the orchestrator works under a limit of `%s`', async (limit) => {
    expect(await limited(limit)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ready /) });
  });

  it.each(['ulimit -v 2000000', 'ulimit -f 1000', 'ulimit -f 1'])(
    'the orchestrator says that a limit of `%s` is too low',
    async (limit) => {
      const { code, stdout, stderr } = await limited(limit);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/\(limit_too_low\)[\s\S]*hint: Raise the limit.*ulimit/);
    },
  );
});
