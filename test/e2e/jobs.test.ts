/** Jobs on this machine: the command line, a real orchestrator, its managed agent, and real scripts. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const CONFIG = `
clusters:
  - { name: spare, type: local, status: inactive, labels: { fast: "yes" }, agent: remote }
job_types:
  fit: { pattern: "loss=(?P<loss>[0-9.]+)", all: true }
  report: { json: last-line }
`;
const FIT = `#!/bin/sh
echo "$TUTTI_ATTEMPT" >> "$JOURNAL"
echo "loss=0.5 $1"
echo careful >&2
echo 'loss=0.25'
exit "$2"
`;
/** It writes its pid, and waits to be stopped. */
const WAIT = `#!/bin/sh
sleep 600 &
echo "$$ $!"
wait
`;

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let tape: EventTape;

beforeAll(async () => {
  folder = await scene.directory();
  for (const [name, text] of Object.entries({ 'tutti.yaml': CONFIG, 'fit.sh': FIT, 'wait.sh': WAIT }))
    await writeFile(join(folder, name), text);
  orchestrator = await OrchestratorProcess.up(scene, { args: ['--config', join(folder, 'tutti.yaml')] });
  tape = orchestrator.tape();
});

interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

async function tutti(...args: string[]): Promise<Ended> {
  const command = cli(args, { url: orchestrator.ready.http });
  const exit = await command.exit;
  return { exit, out: command.stdout(), err: command.stderr() };
}

async function jobFile(name: string, more: object): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify({ name, script_path: './fit.sh', ...more }));
  return file;
}

/** Empty where there is no such process, or where it has ended and its parent has not looked yet. */
const commandOf = (pid: string): Promise<string> => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
const show = async (id: string): Promise<Json> => (await orchestrator.get(`/v1/jobs/${id}`)).body;

describe('a job', () => {
  it('runs a script once, with its arguments and its environment, and tells its result and its log', async () => {
    const journal = join(folder, 'journal');
    const file = await jobFile('fit', { job_type: 'fit', args: ['a "b"', '0'], env: { JOURNAL: journal } });
    const { exit, out } = await tutti('run', file, '--wait', '--cluster', 'local');
    expect(exit).toBe(0);
    const id = out.slice(0, 36);
    expect(await show(id)).toMatchObject({
      ...{
        job_id: id,
        task_id: `${id}/1`,
        name: 'fit',
        cluster: 'local',
        job_type: 'fit',
        state: 'COMPLETED',
      },
      ...{ exit_code: 0, engine_id: expect.stringMatching(/^\d+$/), log_lines: 3, error: null },
      ...{ result: [{ loss: '0.5' }, { loss: '0.25' }], started_at: expect.any(String) },
    });
    expect((await tutti('job', id, '--log')).out.split('\n').sort()).toEqual(
      ['', 'careful', 'loss=0.25', 'loss=0.5 a "b"'].sort(),
    );
    expect(await readFile(journal, 'utf8')).toBe('1\n');
    expect((await orchestrator.get('/v1/graphs/job')).body.version).toBe(1);
  });

  it('is attempted once, and fails with its exit code', async () => {
    const journal = join(folder, 'failing');
    const file = await jobFile('failing', { args: ['x', '3'], env: { JOURNAL: journal } });
    const { exit, out } = await tutti('run', file, '--wait');
    expect(exit).toBe(1);
    expect(await show(out.slice(0, 36))).toMatchObject({
      ...{ state: 'FAILED', exit_code: 3, result: null, error: { code: 'exit_code' } },
    });
    expect(await readFile(journal, 'utf8')).toBe('1\n');
  });

  it('has all that it has written, byte for byte, also where that is more than a history has room for', async () => {
    await writeFile(join(folder, 'chatty.sh'), '#!/bin/sh\nseq -f %01000.0f 12000\nprintf end\n');
    const { exit, out } = await tutti(
      'run',
      await jobFile('chatty', { script_path: './chatty.sh' }),
      '--wait',
    );
    expect(exit).toBe(0);
    const id = out.slice(0, 36);
    const numbers = Array.from({ length: 12_000 }, (_, at) => `${String(at + 1).padStart(1000, '0')}\n`);
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(hash((await tutti('job', id, '--log')).out)).toBe(hash(`${numbers.join('')}end`));
    const [execution] = await orchestrator.executions(`${id}/1`);
    expect(execution.whole_streams.stdout.size).toBe(numbers.join('').length + 3);
  });

  it('is cancelled with every process of it', async () => {
    const file = await jobFile('waiting', { script_path: './wait.sh' });
    const id = (await tutti('run', file)).out.trim();
    const line = await tape.first('its pids', ({ type, problem_id, fields }) => {
      return type === 'execution.log' && problem_id === id && (fields as Json)?.stream === 'stdout';
    });
    expect((await show(id)).state).toBe('RUNNING');
    expect((await orchestrator.get('/v1/jobs?state=RUNNING')).body.items).toMatchObject([{ job_id: id }]);
    expect((await tutti('job', id, 'cancel')).exit).toBe(0);
    expect(await tape.ended(`${id}/1`)).toEqual(['cancelled']);
    expect((await show(id)).state).toBe('CANCELLED');
    for (const pid of String(line.message).split(' ')) expect(await commandOf(pid)).toBe('');
  });

  it('waits for the cluster that it names, says why, and can be cancelled there', async () => {
    const file = await jobFile('spare', { cluster: 'spare', require: { fast: 'yes' }, args: ['x', '0'] });
    const id = (await tutti('run', file)).out.trim();
    const waiting = await tape.first('its reason', ({ type, problem_id }) => {
      return type === 'module.waiting' && problem_id === id;
    });
    expect(waiting.reason).toContain('inactive');
    expect(await show(id)).toMatchObject({
      state: 'PENDING',
      cluster: 'spare',
      engine_id: null,
      log_lines: 0,
    });
    expect((await tutti('job', id, 'cancel')).exit).toBe(0);
    expect(await tape.ended(`${id}/1`)).toEqual(['cancelled']);
  });

  it('may be given any input by a further iteration, also a large blob: it has no cluster and no type, and is listed with the others', async () => {
    const blobOf = async (bytes: Uint8Array): Promise<{ sha256: string; size: number }> => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const url = `${orchestrator.ready.http}/v1/blobs/${sha256}`;
      expect((await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) })).ok).toBe(true);
      return { sha256, size: bytes.length };
    };
    const text = JSON.stringify({ cluster: 'hpc', job_type: 'fit', script: 'x'.repeat(9 * 1024 * 1024) });
    const inputs = [
      null,
      7,
      'a text',
      ['a', 'list'],
      { job_type: 5, cluster: ['a'] },
      { blob: await blobOf(Buffer.from('not JSON')) },
      { blob: await blobOf(Buffer.from(text)) },
    ];
    const { job_id } = (await orchestrator.post('/v1/jobs', { name: 'other', script: FIT, args: ['x', '0'] }))
      .body;
    for (const input of inputs) {
      const { status } = await orchestrator.post(`/v1/problems/${job_id}/iterations`, { input });
      expect(status).toBe(201);
      expect(await show(job_id)).toMatchObject({ job_type: null });
      const listed = await orchestrator.get('/v1/jobs?limit=1');
      expect([listed.status, listed.body.items[0]]).toMatchObject([200, { job_id, job_type: null }]);
    }
  });

  it('a job of an unknown cluster is refused at its place, and nothing is stored', async () => {
    const before = (await orchestrator.get('/v1/jobs')).body.items.length;
    const { exit, err } = await tutti('run', await jobFile('lost', { cluster: 'nowhere' }));
    expect([exit, err]).toEqual([2, expect.stringContaining('/cluster')]);
    expect((await orchestrator.get('/v1/jobs')).body.items).toHaveLength(before);
  });
});
