/** Webhooks with a real orchestrator and a real receiver: nothing is lost, in order, over failures and kill -9. */

import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const SECRET = 'correct-horse-battery-staple';
const PATH = '/services/T0/B0/xyzzy';

interface Delivery {
  readonly status: number;
  readonly event: Json;
  readonly isSigned: boolean;
  readonly type: string | undefined;
}

/** Answers as it is told, and keeps what it was sent. */
class Receiver {
  readonly deliveries: Delivery[] = [];
  /** Of the next requests; afterwards 204. */
  answers: number[] = [];
  readonly #server: Server;
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const body = await buffer(request);
      const status = this.answers.shift() ?? 204;
      const digits = createHmac('sha256', SECRET).update(body).digest('hex');
      this.deliveries.push({
        ...{ status, event: JSON.parse(body.toString()), type: request.headers['content-type'] },
        isSigned: request.headers['tutti-signature'] === `sha256=${digits}`,
      });
      response.writeHead(status, { location: '/elsewhere' }).end();
      for (const { holds, resolve } of this.#waiting) if (holds()) resolve();
    });
  }

  static async listen(scene: Scene): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    scene.atEnd(() => receiver.close());
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${PATH}`;
  }

  /** The numbers of the events that it has taken. */
  get taken(): number[] {
    return this.deliveries.filter(({ status }) => status === 204).map(({ event }) => event.data.seq);
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ holds, resolve }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let receiver: Receiver;
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  folder = await scene.directory();
  receiver = await Receiver.listen(scene);
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
});

async function run(...args: readonly string[]): Promise<string> {
  const command = cli(args, { url: orchestrator.ready.http });
  expect(await command.exit, command.stderr()).toBe(0);
  return command.stdout();
}

const submit = async (more = {}) => (await orchestrator.submit('one', {}, more)).problem_id;
const webhooks = async (): Promise<Json[]> => (await orchestrator.get('/v1/webhooks')).body.items;
const submissionsTaken = (): string[] =>
  receiver.deliveries
    .filter(({ status, event }) => status === 204 && event.type === 'iteration.submitted')
    .map(({ event }) => event.data.problem_id);

describe('a webhook', () => {
  it('is tested, and says how that went', async () => {
    await writeFile(join(folder, 'secret'), `${SECRET}\n`);
    const more = ['--event', 'iteration.submitted', '--secret-file', join(folder, 'secret')];
    expect(await run('webhook', 'add', 'chat', receiver.url, ...more)).toBe('chat  added\n');
    expect(await run('webhook', 'test', 'chat')).toBe('chat  204\n');
    expect(receiver.deliveries).toMatchObject([{ isSigned: true, event: { type: 'webhook.test' } }]);
    receiver.answers = [302];
    const refused = await orchestrator.post('/v1/webhooks/chat/test', {});
    expect(refused.body).toMatchObject({ delivered: false, status: '302: redirects are not followed' });
    expect(receiver.deliveries).toHaveLength(2);
    receiver.deliveries.length = 0;
  });

  it('gets each event once it takes it, in order, signed, over kill -9 of the orchestrator', async () => {
    receiver.answers = [503];
    const problems = [await submit()];
    await receiver.until(() => receiver.deliveries.length === 1);
    problems.push(await submit(), await submit());
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    await receiver.until(() => receiver.taken.length >= 3);
    // The receiver has taken this one, and the orchestrator is killed before or after it has noted that.
    problems.push(await submit());
    await receiver.until(() => submissionsTaken().includes(problems[3]!));
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    problems.push(await submit());
    await receiver.until(() => submissionsTaken().includes(problems[4]!));

    expect([...new Set(submissionsTaken())]).toEqual(problems);
    expect(receiver.taken).toEqual([...receiver.taken].sort((a, b) => a - b));
    const { store_id } = orchestrator.ready;
    for (const { event, isSigned, type } of receiver.deliveries) {
      expect(event).toMatchObject({ specversion: '1.0', id: `${store_id}-${event.data.seq}` });
      expect([isSigned, type]).toEqual([true, 'application/cloudevents+json; charset=utf-8']);
    }
    expect(receiver.deliveries[0]?.event.id).toBe(receiver.deliveries[1]?.event.id);
  });

  it('is listed with how far it is, and counted', async () => {
    const [chat] = await webhooks();
    expect(chat).toMatchObject({ name: 'chat', failures: 0, missed: 0, last_status: '204', signed: true });
    const metrics = await (await fetch(`${orchestrator.ready.http}/metrics`)).text();
    expect(metrics).toMatch(/^tutti_webhook_deliveries_total\{webhook="chat"\} [1-9]/m);
    expect(metrics).toMatch(/^tutti_webhook_lag_events\{webhook="chat"\} \d/m);
  });

  it('a webhook for problems that match a filter gets only their events', async () => {
    const starred = await Receiver.listen(scene);
    const body = {
      name: 'starred',
      url: starred.url,
      filter: ['iteration.submitted'],
      problem: 'starred = true',
    };
    expect((await orchestrator.post('/v1/webhooks', body)).status).toBe(201);
    await submit();
    const wanted = await submit({ starred: true });
    await starred.until(() => starred.deliveries.length === 1);
    expect(starred.deliveries[0]?.event.data.problem_id).toBe(wanted);
    expect(await run('webhook', 'remove', 'starred')).toBe('starred  removed\n');
  });

  it('is refused with the place of what is wrong, and without its secrets', async () => {
    const refused = async (body: Json) => {
      const reply = await orchestrator.post('/v1/webhooks', { name: 'other', url: receiver.url, ...body });
      expect(JSON.stringify(reply.body)).not.toMatch(/xyzzy|hunter2/);
      const { code, details } = reply.body.error;
      expect(details[0].message).not.toBe('');
      return { status: reply.status, code, path: details[0].path, message: details[0].message };
    };
    expect(await refused({ filter: ['iteration.faild'] })).toEqual({
      ...{ status: 422, code: 'invalid_body', path: '/filter/0' },
      message: 'there is no event "iteration.faild" (did you mean iteration.failed?)',
    });
    expect(await refused({ url: 'ftp://xyzzy/' })).toMatchObject({ code: 'invalid_body', path: '/url' });
    expect(await refused({ secret: 'hunter2' })).toMatchObject({ code: 'invalid_body', path: '/secret' });
    expect(await refused({ problem: 'starred = true and' })).toMatchObject({
      ...{ status: 400, code: 'bad_filter', path: '/problem' },
      message: expect.stringContaining('position 19'),
    });
    expect(await refused({ name: 'chat' })).toMatchObject({ code: 'name_taken', path: '/name' });
    expect((await orchestrator.post('/v1/webhooks/none/test', {})).status).toBe(404);
  });

  it('has its address and its secret nowhere in what is kept or told', async () => {
    const { data } = orchestrator.ready;
    const backup = join(folder, 'backup');
    expect((await tutti(scene, ['backup', backup, '--data', data])).code).toBe(0);
    expect(JSON.stringify(await webhooks())).not.toMatch(/xyzzy|correct-horse/);
    expect(orchestrator.process.stderr).not.toMatch(/xyzzy|correct-horse/);
    await orchestrator.process.end('SIGTERM');
    for (const dir of [data, backup]) {
      const found = await new Promise<string>((resolve) => {
        execFile('grep', ['-rlaF', '-e', 'xyzzy', '-e', SECRET, dir], (_error, stdout) => resolve(stdout));
      });
      expect(found).toBe('');
    }
    expect((await tutti(scene, ['check', data])).code).toBe(0);
  });
});
