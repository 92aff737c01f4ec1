import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { shortId } from '../../src/model/short-id.js';
import { foundJson } from '../../src/orchestrator/queries/found.js';
import { cli } from '../support/cli.js';
import { fakeNode } from '../support/fake-coordinator.js';
import { type RunningGateway, startGateway } from '../support/gateway.js';

let running: RunningGateway;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  running = await startGateway();
});
afterEach(() => running.gateway.stop());

interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly json: any;
}

async function tutti(...args: string[]): Promise<Ended> {
  const one = cli(args, { url: running.url });
  const exit = await one.exit;
  const out = one.stdout();
  return {
    exit,
    out,
    err: one.stderr(),
    json: args.includes('--json') && out !== '' ? JSON.parse(out) : undefined,
  };
}

async function submitted(): Promise<{ problemId: string; iterationId: number }> {
  const { json } = await tutti('submit', 'demo', '--input', '{"text":"a"}', '--json');
  return { problemId: json.problem_id, iterationId: json.iteration_id };
}

describe('peers', () => {
  it('are listed, the leader first, and doctor names those that wait', async () => {
    await running.gateway.stop();
    const [seen_at, http] = ['2026-11-01T08:00:00.000Z', 'http://b:7480'];
    const items = [
      { http: 'http://a:7480', control: 'tcp://a:7400', role: 'leader' as const, seen_at },
      { http, control: null, role: 'standby' as const, seen_at },
    ];
    running = await startGateway({ peers: async () => items });
    expect((await tutti('peers', '--json')).json).toEqual({ items });
    expect((await tutti('peers')).out).toMatch(/standby +http:\/\/b:7480 +- +2026/);
    const { json } = await tutti('doctor', '--data', folder, '--json');
    expect(json.findings).toContainEqual({
      check: 'standbys',
      verdict: 'ok',
      finding: `wait to take over: ${http}`,
    });
  });
});

describe('access', () => {
  it('is granted with a role, listed and revoked by an admin, and by nobody else', async () => {
    await running.gateway.stop();
    running = await startGateway({ token: 'correct-horse-battery-staple' });
    const asAdmin = ['--token', 'correct-horse-battery-staple'];
    const grant = ['access', 'grant', 'ada', '--role', 'author', '--expires', '30d'];
    const { out, exit } = await tutti(...grant, ...asAdmin);
    expect([exit, out]).toEqual([0, expect.stringMatching(/^tutti-access-[\w-]{43}\n$/)]);
    const asAda = ['--token', out.trim()];
    expect((await tutti('access', 'me', ...asAda)).out).toBe('ada  author  project default\n');
    expect((await tutti('problems', ...asAda)).exit).toBe(0);
    expect((await tutti('access', 'list', ...asAda)).err).toContain('admin_needed');
    const listed = await tutti('access', 'list', '--json', ...asAdmin);
    const [{ access_id, expires_at }] = listed.json.items;
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    const { out: table } = await tutti('access', 'list', ...asAdmin);
    expect(table).toMatch(new RegExp(`^ID .*\n${access_id} +ada +author `));
    expect((await tutti('access', 'revoke', access_id, ...asAdmin)).out).toBe(`${access_id}  revoked\n`);
    expect((await tutti('access', 'me', ...asAda)).err).toContain('unauthorized');
    const wrong = await tutti('access', 'grant', 'bob', '--role', 'root', ...asAdmin);
    expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('viewer, author, operator, admin')]);
  });
});

describe('the key of a node', () => {
  const key = (start: string) => start.padEnd(40, '0123456789');

  it.each(['-a', '-h', '--j', '-V', '.a'])('a node key that begins with %s is an argument', async (start) => {
    for (const words of [
      ['--json', key(start)],
      [key(start), '--token', key('-t')],
    ])
      expect((await tutti('node', 'revoke', ...words)).err).toContain('(curve_off)');
  });

  it('is not another word that begins with a hyphen, and not the value of an option', async () => {
    const wrong = [['-x'], ['--jsno', key('a')], ['--token', key('-a')], [key('--token=')], [key('-~')]];
    for (const words of wrong) {
      const { exit, err } = await tutti('node', 'revoke', ...words);
      expect([words, exit, err]).toEqual([
        words,
        2,
        expect.stringMatching(/unknown option|missing required/),
      ]);
    }
  });
});

describe('problem', () => {
  it('changes what people say about it, and shows it', async () => {
    const { problemId } = await submitted();
    const end = problemId.slice(-8);
    expect((await tutti('problem', end, 'set', '--title', 'Steel', '--tags', 'a, b c')).out).toContain(
      'Steel',
    );
    await tutti('problem', end, 'tag', 'd', 'a');
    await tutti('problem', end, 'untag', 'b c');
    await tutti('problem', end, 'star');
    await tutti('problem', end, 'note', 'looks good');
    const { json } = await tutti('problem', end, 'note', '**Run** again', '--json');
    expect(json).toMatchObject({ title: 'Steel', tags: ['a', 'd'], starred: true, archived: false });
    expect(json.notes).toBe('looks good\n\n**Run** again');
    const file = join(folder, 'notes.md');
    writeFileSync(file, '# Notes');
    expect((await tutti('problem', end, 'set', '--notes', file, '--json')).json.notes).toBe('# Notes');
    expect((await tutti('problem', end, 'unstar', '--json')).json.starred).toBe(false);
    const { out } = await tutti('show', end);
    expect(out).toContain('Steel');
    expect(out).toContain('tags: a, d\n\n# Notes\n');
  });

  it('an archived problem is listed only on request', async () => {
    const { problemId } = await submitted();
    await tutti('submit', 'demo', '--input', '{}', '--title', 'other', '--tag', 'x', '--tag', 'y');
    await tutti('problem', problemId, 'archive');
    const listed = async (...args: string[]): Promise<string[]> =>
      (await tutti('problems', '--json', ...args)).json.items.map((one: { title: string }) => one.title);
    expect(await listed()).toEqual(['other']);
    expect(await listed('--all')).toHaveLength(2);
    expect(await listed('--archived')).toEqual(['']);
    expect(await listed('--tag', 'y')).toEqual(['other']);
    expect(await listed('--filter', 'archived = true')).toHaveLength(2);
    expect((await tutti('problems')).out).toContain('other [x] [y]');
    await tutti('problem', problemId, 'unarchive');
    expect(await listed()).toHaveLength(2);
  });

  it.each([
    ['missing_argument', 'tag'],
    ['missing_argument', 'note'],
    ['missing_argument', 'set'],
    ['bad_usage', 'star', 'x'],
    ['no_such_file', 'set', '--notes', '/nowhere/notes.md'],
  ])('says what is missing or too much (%s): %s %s %s', async (code, ...args) => {
    const { problemId } = await submitted();
    const ended = await tutti('problem', problemId, ...args, '--json');
    expect([ended.exit, ended.json.error.code]).toEqual([2, code]);
    expect(running.coordinator.requests).toHaveLength(1);
  });
});

describe('submit', () => {
  it('prints the task_id, or with --json the whole answer', async () => {
    const human = await tutti('submit', 'demo', '--input', '{"text":"a"}', '--title', 'T', '--priority', '9');
    expect([human.exit, human.out]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\/1\n$/)]);
    expect(running.coordinator.requests).toMatchObject([{ kind: 'submit', title: 'T', priority: 9 }]);
    const { json } = await tutti('submit', 'demo', '--input', '{}', '--json');
    expect(json.task_id).toBe(`${json.problem_id}/1`);
  });

  it('takes its input from a file, from stdin, or as it stands', async () => {
    const file = join(folder, 'input.json');
    writeFileSync(file, '{"from":"file"}');
    await tutti('submit', 'demo', '--input', file);
    await cli(['submit', 'demo', '--input', '-'], { url: running.url, stdin: '{"from":"stdin"}' }).exit;
    expect(running.coordinator.requests.map((request) => 'input' in request && request.input)).toEqual([
      { from: 'file' },
      { from: 'stdin' },
    ]);
  });

  it('waits for the end, and exits 0 when the task has succeeded', async () => {
    const waiting = cli(['submit', 'demo', '--input', '{}', '--wait'], { url: running.url });
    await waiting.shows('/1\n');
    const task = { problemId: waiting.stdout().slice(0, 36), iterationId: 1 };
    running.coordinator.output(task, 'length', { characters: 3 });
    running.coordinator.end(task, 'succeeded');
    expect(await waiting.exit).toBe(0);
    expect(waiting.stdout()).toMatch(/length +succeeded +1/);
    expect(waiting.stdout()).toContain('characters: 3');
  });

  it('exits 1 when the task has failed, naming module, code and message', async () => {
    const waiting = cli(['submit', 'demo', '--input', '{}', '--wait', '--json'], { url: running.url });
    await expect.poll(() => running.coordinator.requests.length).toBe(1);
    const [problem] = (await tutti('problems', '--json')).json.items;
    const task = { problemId: problem.problem_id, iterationId: 1 };
    running.coordinator.end(task, 'failed', {
      module: 'length',
      code: 'no_text',
      message: 'There is no text',
    });
    expect(await waiting.exit).toBe(1);
    expect(JSON.parse(waiting.stdout())).toMatchObject({ state: 'failed', task_id: `${task.problemId}/1` });
    expect(waiting.stderr()).toContain('module length: no_text: There is no text');
  });

  it('goes on waiting over a restart of the orchestrator', async () => {
    const waiting = cli(['submit', 'demo', '--input', '{}', '--wait'], { url: running.url });
    await waiting.shows('/1\n');
    await expect.poll(() => running.gateway.gauges().viewers).toBe(1);
    const task = { problemId: waiting.stdout().slice(0, 36), iterationId: 1 };
    await running.gateway.stop();
    running.coordinator.end(task, 'succeeded');
    running = await startGateway({
      coordinator: running.coordinator,
      port: Number(new URL(running.url).port),
    });
    expect(await waiting.exit).toBe(0);
  });

  it('names the field of a bad input, and exits 2', async () => {
    const { exit, err } = await tutti('submit', 'demo', '--input', '3');
    expect([exit, err]).toEqual([2, expect.stringContaining('/input: An object is needed (wrong_type)')]);
  });

  it.each([
    [['submit', 'demo', '--input', '{"a":'], 'malformed_json'],
    [['submit', 'demo', '--input', './none.json'], 'no_such_file'],
    [['submit', 'nothing', '--input', '{}'], 'not_found'],
    [['show', 'not/a-task'], 'bad_task_id'],
    [['show', 'nobody'], 'not_found'],
    [['submit', 'demo'], '--input'],
    [['submit', 'demo', '--input', '{}', '--priority', '101'], 'whole number from 0 to 100'],
    [['node', 'n', 'dance'], 'Allowed choices'],
    [['problems', '--url', 'nonsense'], 'bad_url'],
    [['iterates'], 'unknown command'],
  ])('%j is bad usage, and says why', async (args, why) => {
    const { exit, err } = await tutti(...args);
    expect([exit, err]).toEqual([2, expect.stringContaining(why)]);
  });
});

describe('iterate', () => {
  it('goes on from the named iteration, with a new input', async () => {
    const task = await submitted();
    running.coordinator.end(task, 'succeeded');
    const { exit, out } = await tutti('iterate', task.problemId, '--from', '1', '--input', '{"text":"b"}');
    expect([exit, out]).toEqual([0, `${task.problemId}/2\n`]);
    expect(running.coordinator.requests.at(-1)).toMatchObject({ parentIterationId: 1, input: { text: 'b' } });
  });

  it('runs a part again: what is reused, and what a module gets instead', async () => {
    const task = await submitted();
    running.coordinator.end(task, 'succeeded');
    const file = join(folder, 'value.json');
    writeFileSync(file, '{"from":"file"}');
    const { exit } = await tutti(
      ...['iterate', task.problemId, '--from', '1', '--reuse', 'a,b', '--reuse', 'c'],
      ...['--override', `length.text=@${file}`, '--override', 'length.more={"a":"="}', '--override', 'd.n=3'],
    );
    expect(exit).toBe(0);
    expect(running.coordinator.requests.at(-1)).toMatchObject({
      reuse: ['a', 'b', 'c'],
      overrides: { length: { text: { from: 'file' }, more: { a: '=' } }, d: { n: 3 } },
    });
    const wrong = await tutti('iterate', task.problemId, '--override', 'length=3');
    expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('MODULE.INPUT=@FILE')]);
    const missing = await tutti('iterate', task.problemId, '--override', 'length.text=@none.json');
    expect([missing.exit, missing.err]).toEqual([2, expect.stringContaining('--override length.text')]);
  });

  it('exits 1 when the parent has not succeeded', async () => {
    const task = await submitted();
    const { exit, err } = await tutti('iterate', task.problemId, '--from', '1');
    expect([exit, err]).toEqual([1, expect.stringContaining('parent_not_succeeded')]);
  });
});

describe('looking back', () => {
  it('lists problems, and says how to go on', async () => {
    const first = await submitted();
    await submitted();
    const { exit, out } = await tutti('problems', '--limit', '1');
    expect(exit).toBe(0);
    expect(out).toMatch(/^PROBLEM_ID +STATE +GRAPH/);
    expect(out).toContain('more: --cursor 1');
    expect((await tutti('problems', '--cursor', '1')).out).toContain(shortId(first.problemId));
  });

  it('shows a problem, and an iteration with its outputs', async () => {
    const task = await submitted();
    running.coordinator.output(task, 'length', { characters: 7 });
    expect((await tutti('show', task.problemId)).out).toMatch(/ITERATION +STATE[\s\S]*1 +running/);
    const { out } = await tutti('show', `${task.problemId}/1`);
    expect(out).toContain('waiting for length');
    expect(out).toContain('characters: 7');
    expect((await tutti('show', `${task.problemId}/1`, '--json')).json.modules.length.output).toEqual({
      characters: 7,
    });
  });

  it('shows what differs, numbers with their change in percent', async () => {
    const task = await submitted();
    const { out } = await tutti('diff', task.problemId, '1', '2');
    expect(out).toMatch(/length +characters +8 +6 +-25\.0 %/);
    expect(out).toMatch(/report +title +x +y$/m);
  });

  it('exports to stdout as lines, as a table, or as one list', async () => {
    const task = await submitted();
    running.coordinator.end(task, 'succeeded');
    await tutti('iterate', task.problemId);
    const lines = (await tutti('export', task.problemId)).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).iteration_id)).toEqual([1, 2]);
    expect((await tutti('export', task.problemId, '--format', 'csv')).out).toMatch(
      /^problem_id,iteration_id/,
    );
    expect((await tutti('export', task.problemId, '--json')).json).toHaveLength(2);
  });

  it('writes an iteration to stdout as a crate, once it has ended', async () => {
    const task = await submitted();
    const id = `${task.problemId}/${task.iterationId}`;
    const early = await tutti('crate', id);
    expect([early.exit, early.err]).toEqual([1, expect.stringContaining('not_ended')]);
    running.coordinator.end(task, 'succeeded');
    const { exit, out } = await tutti('crate', id, '--license', 'https://spdx.org/licenses/MIT');
    expect([exit, out]).toEqual([0, expect.stringMatching(/^PK.*spdx\.org\/licenses\/MIT/s)]);
    const bad = await tutti('crate', id, '--license', 'MIT');
    expect(bad.err).toContain('license');
  });

  it('lists iterations of all problems, or of one, and says what a search says', async () => {
    const task = await submitted();
    await submitted();
    const { exit, out } = await tutti('iterations', '--fields', 'length.n');
    expect([exit, out.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^PROBLEM_ID +ITERATION_ID +STATE +GRAPH +CREATED_AT +length.n$/),
    ]);
    expect(out.trim().split('\n')).toHaveLength(3);
    expect((await tutti('iterations', task.problemId, '--json')).json.items).toHaveLength(1);
  });

  it('exports what a search finds, in each format', async () => {
    const task = await submitted();
    running.coordinator.end(task, 'succeeded');
    await submitted();
    const csv = await tutti('export', '--fields', 'length.n', '--format', 'csv');
    expect(csv.out).toMatch(/^problem_id,iteration_id,state,.*,error.message,length.n\r\n/);
    expect(csv.out.trim().split('\r\n')).toHaveLength(3);
    const [line = ''] = (await tutti('export', '--fields', 'length.n')).out.split('\n');
    expect(JSON.parse(line)).toMatchObject({ iteration_id: 1, graph: 'demo', 'error.code': null });
    const parquet = await fetch(`${running.url}/v1/iterations/export?format=parquet`);
    const file = await parquet.arrayBuffer();
    expect(parquet.headers.get('content-disposition')).toBe('attachment; filename="iterations.parquet"');
    const rows = await parquetReadObjects({ file });
    expect(rows.map(({ iteration_id, state }) => [iteration_id, state])).toEqual([
      [1, expect.any(String)],
      [1, 'succeeded'],
    ]);
  });

  it('takes the end of an id for the whole, where only one ends so', async () => {
    const task = await submitted();
    const short = task.problemId.slice(-8);
    expect((await tutti('show', short, '--json')).json.problem_id).toBe(task.problemId);
    expect((await tutti('show', `${short}/1`, '--json')).json.task_id).toBe(`${task.problemId}/1`);
    expect((await tutti('logs', short)).exit).toBe(0);
    const none = await tutti('logs', 'ffffffff');
    expect([none.exit, none.err]).toEqual([
      2,
      expect.stringContaining('no problem has an id that ends with ffffffff'),
    ]);
    const unknown = await tutti('show', 'ffffffff');
    expect([unknown.exit, unknown.err]).toEqual([2, expect.stringContaining('ffffffff')]);
    running.coordinator.nodes.set('aa-1234', fakeNode({ node_id: 'aa-1234', instance: 'one' }));
    running.coordinator.nodes.set('bb-1234', fakeNode({ node_id: 'bb-1234', instance: 'two' }));
    const ambiguous = await tutti('node', '1234', 'stop');
    expect([ambiguous.exit, ambiguous.err]).toEqual([
      2,
      expect.stringContaining('2 ids end with 1234: aa-1234, bb-1234'),
    ]);
    running.coordinator.nodes.set(
      'cc-5678',
      fakeNode({ node_id: 'cc-5678', instance: 'one', module: 'other' }),
    );
    const named = await tutti('node', 'one', 'stop');
    expect([named.exit, named.err]).toEqual([2, expect.stringContaining('cc-5678 (other)')]);
    expect((await tutti('node', 'two', 'stop', '--json')).json.target).toMatchObject({ node_id: 'bb-1234' });
  });
});

describe('watch', () => {
  it('prints what happens to a task until it has ended', async () => {
    const task = await submitted();
    const watching = cli(['watch', `${task.problemId}/1`], { url: running.url });
    await watching.shows('running');
    running.coordinator.output(task, 'length', 1);
    running.coordinator.end(task, 'cancelled');
    expect(await watching.exit).toBe(1);
    expect(watching.stdout()).toMatch(/\/1 length output\.recorded/);
    expect(watching.stdout()).toContain('iteration.cancelled');
  });

  it('prints everything as lines of JSON until it is interrupted', async () => {
    const watching = cli(['watch', '--json'], { url: running.url });
    await expect.poll(() => running.gateway.gauges().viewers).toBe(1);
    // What is committed before the subscription has arrived is not its business: commit until something is shown.
    await expect
      .poll(() => running.coordinator.events.commit([{ type: 'node.joined' }]) && watching.stdout())
      .not.toBe('');
    watching.interrupt();
    expect(await watching.exit).toBe(0);
    expect(JSON.parse(watching.stdout().split('\n')[0]!)).toMatchObject({ type: 'node.joined' });
  });
});

describe('steering', () => {
  it('lists nodes and commands them', async () => {
    const node = fakeNode({ running: ['x'] });
    running.coordinator.nodes.set(node.node_id as string, node);
    expect((await tutti('nodes')).out).toMatch(/length-1 +IDLE +started +alive +1\/1/);
    const { exit, json } = await tutti(
      'node',
      node.node_id as string,
      'stop',
      '--reason',
      'upgrade',
      '--json',
    );
    expect([exit, json.state]).toEqual([0, 'acked']);
    expect(running.coordinator.requests.at(-1)).toMatchObject({ command: 'stop', reason: 'upgrade' });
  });

  it('waits for the acknowledgement of a command, and exits 1 when it is refused', async () => {
    const node = fakeNode();
    running.coordinator.nodes.set(node.node_id as string, node);
    let state = 'pending';
    const command = running.coordinator.queries.command;
    running.coordinator.queries.command = async (id) => {
      const found = await command(id);
      if ('ok' in found) return found;
      const error = { code: 'not_in_this_state', message: 'It is terminating' };
      return foundJson(found.cursor, { ...found.value, state, parts: [{ node_id: 'n-1', error }] });
    };
    const commanding = cli(['node', node.node_id as string, 'start'], { url: running.url });
    await expect.poll(() => running.gateway.gauges().viewers).toBe(1);
    state = 'refused';
    const [issued] = running.coordinator.events.all().slice(-1);
    running.coordinator.events.commit([
      { type: 'command.refused', command_id: JSON.parse(issued!.json).command_id },
    ]);
    expect(await commanding.exit).toBe(1);
    expect(commanding.stderr()).toContain('node n-1: not_in_this_state: It is terminating');
  });

  it('configures a node', async () => {
    const node = fakeNode();
    running.coordinator.nodes.set(node.node_id as string, node);
    expect(await tutti('node', node.node_id as string, 'configure', 'x=1')).toMatchObject({
      exit: 0,
      out: 'x=1\n',
    });
    expect((await tutti('node', node.node_id as string, 'configure')).exit).toBe(2);
  });

  it('commands a task, and exits 1 when it has ended', async () => {
    const task = await submitted();
    const id = `${task.problemId}/1`;
    expect((await tutti('task', id, 'stop', '--module', 'length')).exit).toBe(0);
    expect(running.coordinator.requests.at(-1)).toMatchObject({ command: 'stop', module: 'length' });
    expect(await tutti('task', id, 'stop')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('task_ended'),
    });
  });
});

describe('cluster', () => {
  it('adds, lists, shows, drains and removes', async () => {
    const added = await tutti(
      ...['cluster', 'add', 'hpc', '--type', 'slurm', '--host', 'login', '--port', '2222', '--user', 'ada'],
      ...['--identity', '/keys/id', '--workdir', '/scratch', '--slots', '8', '--label', 'gpu=true'],
      ...['--label', 'site=a=b', '--agent', 'remote'],
    );
    expect([added.exit, added.out]).toEqual([0, 'hpc  added\n']);
    const { cluster } = running.coordinator.requests[0] as { cluster: object };
    expect(cluster).toEqual({
      ...{ name: 'hpc', type: 'slurm', status: 'active', host: 'login', port: 2222, user: 'ada' },
      ...{ identity: '/keys/id', workdir: '/scratch', slots: 8, labels: { gpu: 'true', site: 'a=b' } },
      agent: 'remote',
    });
    const listed = await tutti('cluster', 'list');
    expect(listed.out).toMatch(/^hpc +slurm +active +offline +0\/8 +gpu=true site=a=b$/m);
    expect((await tutti('cluster', 'show', 'hpc', '--json')).json.workdir).toBe('/scratch');
    for (const [command, status] of [
      ['drain', 'draining'],
      ['deactivate', 'inactive'],
      ['activate', 'active'],
    ] as const) {
      expect((await tutti('cluster', command, 'hpc')).out).toBe(`hpc  ${status}\n`);
      expect((await tutti('cluster', 'show', 'hpc', '--json')).json.status).toBe(status);
    }
    expect((await tutti('cluster', 'remove', 'hpc')).out).toBe('hpc  removed\n');
    expect((await tutti('cluster', 'show', 'hpc')).exit).toBe(2);
  });

  it('exits with 2 and the field where it is asked for what there cannot be', async () => {
    expect(await tutti('cluster', 'add', 'hpc', '--type', 'ssh')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('/host'),
    });
    for (const args of [
      ['--type', 'pbs'],
      ['--type', 'local', '--slots', 'many'],
      ['--type', 'local', '--label', 'gpu'],
    ])
      expect((await tutti('cluster', 'add', 'hpc', ...args)).exit).toBe(2);
    expect(running.coordinator.requests).toEqual([]);
  });
});

describe('jobs', () => {
  const jobFile = (text: string): string => {
    const file = join(folder, 'job.yaml');
    writeFileSync(join(folder, 'fit.sh'), '#!/bin/sh\necho 1\n');
    writeFileSync(file, text);
    return file;
  };

  it('run a script that is read where they are run, and print the id of the job', async () => {
    const file = jobFile(
      'name: fit\nscript_path: fit.sh\ncluster: a\nargs: ["-n", "2"]\nresources: { memory: 4GiB }\n',
    );
    const { exit, out } = await tutti('run', file, '--cluster', 'hpc');
    expect([exit, out]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/)]);
    expect(running.coordinator.requests).toEqual([
      {
        ...{ kind: 'submit_job', name: 'fit', script: '#!/bin/sh\necho 1\n', cluster: 'hpc' },
        ...{ args: ['-n', '2'], resources: { cpus: 1, memoryBytes: 2 ** 32 } },
      },
    ]);
  });

  it('exit with 2, the place and the field where the file is at fault, and send nothing', async () => {
    for (const [text, fault] of [
      ['script_path: fit.sh\n', /name is missing/],
      ['name: fit\n', /script_path is missing/],
      ['name: fit\nscript_path: nowhere.sh\n', /line 2, column 1: script_path: .*unreadable_script/],
      ['name: fit\nscript_path: fit.sh\nresources: { cpus: 0 }\n', /line 3.*resources\.cpus/],
      ['name: fit\nscript_path: fit.sh\nqueue: long\n', /"queue" is not known here/],
      ['name: [\n', /bad_yaml/],
    ] as const) {
      const { exit, err } = await tutti('run', jobFile(text));
      expect([text, exit, err]).toEqual([text, 2, expect.stringMatching(fault)]);
    }
    expect((await tutti('run', join(folder, 'no-file.yaml'))).exit).toBe(2);
    expect(running.coordinator.requests).toEqual([]);
  });

  it('are listed, shown with their log, and cancelled', async () => {
    const fields = { stream: 'stdout' };
    running.coordinator.lines = [{ at: '', level: 'info', message: 'counted', fields }];
    const id = (await tutti('run', jobFile('name: fit\nscript_path: fit.sh\n'))).out.trim();
    expect((await tutti('jobs')).out).toMatch(new RegExp(`^${shortId(id)} +fit +SUBMITTED`, 'm'));
    expect((await tutti('jobs', '--state', 'FAILED', '--json')).json.items).toEqual([]);
    expect((await tutti('job', id, '--json')).json).toMatchObject({ job_id: id, state: 'SUBMITTED' });
    expect((await tutti('job', id, '--log')).out).toBe('counted\n');
    expect((await tutti('job', id, 'cancel')).exit).toBe(0);
    expect(running.coordinator.requests.at(-1)).toMatchObject({ kind: 'task_command', command: 'stop' });
    expect((await tutti('job', id, 'pause')).exit).toBe(2);
    expect((await tutti('job', '0198c0de-0000-7000-8000-00000000dead')).exit).toBe(2);
  });
});

describe('graphs', () => {
  it('lists and shows them', async () => {
    expect((await tutti('graph', 'list')).out).toMatch(/demo +1/);
    expect((await tutti('graph', 'show', 'demo')).out).toContain('name: demo');
  });

  it('validates a file, and names every fault with its path', async () => {
    const file = join(folder, 'graph.yaml');
    writeFileSync(file, 'name: g\n');
    const faults = [
      { path: 'modules', code: 'missing_field', message: 'There are no modules' },
      { path: 'source', code: 'missing_field', message: 'There is no source' },
    ];
    const one = cli(['graph', 'validate', file, '--proto-path', 'a', '--proto-path', 'b'], {
      readGraph: (yaml, options) => {
        expect([yaml, options]).toEqual(['name: g\n', { file, protoPaths: ['a', 'b'] }]);
        return { ok: false, faults };
      },
    });
    expect(await one.exit).toBe(2);
    expect(one.stderr()).toContain('2 faults');
    for (const { path, message } of faults) expect(one.stderr()).toContain(`${path}: ${message}`);
    expect(await cli(['graph', 'validate', join(folder, 'none.yaml')]).exit).toBe(2);
  });
});

describe('options', () => {
  it('may stand before the command, after it, and before a command of a command', async () => {
    const id = '0198c0de-0000-7000-8000-00000000dead';
    for (const args of [
      ['--url', running.url, 'node', 'remove', id],
      ['node', 'remove', id, '--url', running.url],
    ]) {
      running.coordinator.nodes.set(id, fakeNode({ node_id: id }));
      const removed = cli(args);
      expect([await removed.exit, removed.stdout()]).toEqual([0, `${id}  removed\n`]);
      expect(running.coordinator.nodes.has(id)).toBe(false);
    }
    expect((await tutti('node', 'remove', id)).exit).toBe(2);
  });
});

describe('an orchestrator that is not there', () => {
  it('exits 3 and says how to start one', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const one = cli(['nodes', '--url', `http://127.0.0.1:${port}`, '--json']);
    expect(await one.exit).toBe(3);
    expect(one.stderr()).toMatch(/ECONNREFUSED[\s\S]*hint: Start one with `tutti up`/);
    expect(JSON.parse(one.stdout()).error.code).toBe('unreachable');
  });

  it('exits 2 when the token is missing, and takes it from the environment', async () => {
    await running.gateway.stop();
    running = await startGateway({ token: 'secret' });
    expect(await tutti('nodes')).toMatchObject({ exit: 2, err: expect.stringContaining('TUTTI_TOKEN') });
    expect(await cli(['nodes'], { url: running.url, env: { TUTTI_TOKEN: 'secret' } }).exit).toBe(0);
  });
});

describe('text from others', () => {
  const HOSTILE = '\u001b]52;c;aGk=\u0007\u009b2J\u202ehidden\u200b\nerror: forged';

  it('is inert in lists, in what a command shows and in what it says of errors; with --json it is what it was', async () => {
    const { json } = await tutti('submit', 'demo', '--input', '{"text":"a"}', '--title', HOSTILE, '--json');
    const shown = [
      await tutti('problems'),
      await tutti('show', json.problem_id),
      await tutti('show', HOSTILE),
      await tutti('submit', HOSTILE, '--input', '{}'),
      await tutti('watch', `${HOSTILE}/x`),
      await tutti('graph', 'show', HOSTILE),
      await tutti('problems', '--filter', HOSTILE),
      await tutti(HOSTILE),
    ];
    expect(shown[0]!.out).toContain('\\x1b]52;c;aGk=\\x07\\x9b2J\\u202ehidden\\u200b error: forged');
    expect(shown[1]!.out).toContain('\\x1b]52');
    for (const { out, err } of shown) {
      expect(out + err).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}]/u);
      expect(`${out}${err}`.split('\n').filter((line) => line.startsWith('error: forged'))).toEqual([]);
    }
    const listed = await tutti('problems', '--json');
    expect(listed.out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(listed.json.items[0].title).toBe(HOSTILE);
  });
});
