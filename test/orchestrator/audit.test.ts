/** The audit: an entry comes with what was done, in one commit with it, and pages of it are found by their fields. */
import { describe, expect, it } from 'vitest';
import type { Asking, PreparedRequest } from '../../src/orchestrator/core/turn.js';
import type { AuditFilter, Page, View } from '../../src/orchestrator/port.js';
import { ProjectReader } from '../../src/orchestrator/projects/reader.js';
import { listAudit } from '../../src/orchestrator/queries/audit.js';
import { isRefusal } from '../../src/orchestrator/queries/pages.js';
import { Turnstile } from '../../src/orchestrator/queries/slices.js';
import type { AuditRow } from '../../src/orchestrator/tables/records.js';
import { audit } from '../../src/orchestrator/tables/tables.js';
import { Core, graphOf, moduleSpec } from './core.js';
import { inline } from './stage.js';

const ada: Asking = {
  ...{ by: 'ada', accessId: 'g', address: '10.0.0.9', action: 'submit', operation: 'submit' },
};
const submission: PreparedRequest = {
  ...{
    kind: 'submit',
    graph: 'g',
    input: undefined,
    graphVersion: 1,
    prepared: inline({}),
    project: 'steel',
  },
};

async function entries({ store }: Core): Promise<AuditRow[]> {
  return (await audit.range(store, { prefix: [] })).map(({ row }) => row);
}

async function asks(core: Core, request: PreparedRequest, asking?: Asking) {
  const step = core.asks(request);
  const { answers } = await core.turn({ ...step, ...(asking && { asking }) } as typeof step);
  return answers[0]!;
}

describe('what somebody has asked for', () => {
  it('is in the audit with who asked, from where, about what and of which project, once it is done', async () => {
    const core = await Core.open([graphOf('g', moduleSpec('a', ['source']))]);
    const answer = await asks(core, submission, ada);
    if (!answer.ok) throw new Error(answer.message);
    const problem_id = String(answer.body.problem_id);
    expect(await entries(core)).toEqual([
      {
        ...{ audit_id: 1, at: core.wallMs, last_at: core.wallMs, times: 1 },
        ...{ by: 'ada', access_id: 'g', address: '10.0.0.9', project: 'steel' },
        ...{ action: 'submit', operation: 'submit', result: 'done' },
        target: { graph: 'g', problem_id, iteration_id: 1 },
      },
    ]);
    const stop: Asking = { address: '::1', action: 'command_task', operation: 'task_command' };
    const command = {
      kind: 'task_command',
      taskId: { problemId: problem_id, iterationId: 1 },
      command: 'stop',
    } as const;
    await asks(core, command, stop);
    await core.restart();
    // What the orchestrator asks by itself is not in it, nor what is refused, nor what the configuration says again.
    await asks(core, { kind: 'remove_secret', name: 'x' });
    await asks(core, { kind: 'remove_secret', name: 'x' }, ada);
    const cluster = {
      name: 'hpc',
      type: 'local',
      workdir: '/w',
      slots: 1,
      labels: {},
      agent: 'remote',
    } as const;
    const declared: Asking = { by: 'configuration', action: 'manage_cluster', operation: 'declare_cluster' };
    for (let n = 0; n < 2; n += 1) await asks(core, { kind: 'declare_cluster', cluster }, declared);
    const [, second, third, ...more] = await entries(core);
    expect(second).toMatchObject({
      audit_id: 2,
      project: 'steel',
      target: { command: 'stop', iteration_id: 1 },
    });
    expect(second).not.toHaveProperty('by');
    expect(third).toMatchObject({ audit_id: 3, by: 'configuration', target: { cluster: 'hpc' } });
    expect(more).toEqual([]);
  });

  it('names a webhook of a project that is removed, and never a value of a secret', async () => {
    const core = await Core.open([]);
    const hook = { name: 'chat', project: 'steel', origin: 'https://chat', sealed: 'sealed', signed: false };
    await asks(core, { kind: 'add_webhook', webhook: hook }, ada);
    await asks(core, { kind: 'remove_webhook', name: 'chat' }, ada);
    await asks(core, { kind: 'set_secret', name: 'key', sealed: 'sealed' }, ada);
    const all = await entries(core);
    expect(all.map(({ target, project }) => [target, project])).toEqual([
      [{ webhook: 'chat' }, undefined],
      [{ webhook: 'chat' }, 'steel'],
      [{ secret: 'key' }, undefined],
    ]);
    expect(JSON.stringify(all)).not.toContain('sealed');
  });
});

describe('refusals', () => {
  it('refusals that are noted again replace their entry, and keep its first time', async () => {
    const core = await Core.open([]);
    const note = { ...ada, result: 'refused', code: 'author_needed', message: 'no' } as const;
    const { answers } = await core.turn({ kind: 'audit', id: 1, note: { ...note, times: 1 } });
    expect(answers).toEqual([{ ok: true, kind: 'done', body: { audit_id: 1, at: core.wallMs } }]);
    const at = core.wallMs;
    core.wallMs += 5_000;
    await core.turn({ kind: 'audit', id: 2, note: { ...note, times: 40, entry: { id: 1, at } } });
    expect(await entries(core)).toMatchObject([{ audit_id: 1, at, last_at: at + 5_000, times: 40 }]);
    await asks(core, { kind: 'set_secret', name: 'key', sealed: 'sealed' }, ada);
    expect((await entries(core)).map(({ audit_id }) => audit_id)).toEqual([1, 2]);
  });
});

describe('a page of the audit', () => {
  async function pages(core: Core, filter: AuditFilter, limit: number): Promise<Page<View>[]> {
    const slices = new Turnstile().slices(new AbortController().signal);
    await slices.begin();
    const moment = { reader: new ProjectReader(core.store, 'other'), slices } as never;
    const found: Page<View>[] = [];
    let cursor: string | undefined;
    do {
      const page = await listAudit(moment, filter, { limit, ...(cursor !== undefined && { cursor }) });
      if (isRefusal(page)) throw new Error(page.message);
      found.push(page);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    slices.pause();
    return found;
  }

  it('has the newest first, of all projects, only what fits, and goes on where it ended', async () => {
    const core = await Core.open([graphOf('g', moduleSpec('a', ['source']))]);
    const began = core.wallMs;
    for (let n = 0; n < 7; n += 1) {
      core.wallMs = began + n * 1_000;
      await asks(core, submission, n % 2 === 0 ? ada : { ...ada, by: 'bob' });
    }
    const ids = async (filter: AuditFilter, limit = 3) =>
      (await pages(core, filter, limit)).map(({ items }) => items.map(({ audit_id }) => audit_id));
    expect(await ids({})).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
    expect(await ids({ by: 'bob' }, 50)).toEqual([[6, 4, 2]]);
    expect(await ids({ by: 'bob', result: 'refused' })).toEqual([[]]);
    expect(await ids({ project: 'steel', action: 'submit', address: '10.0.0.9' }, 50)).toEqual([
      [7, 6, 5, 4, 3, 2, 1],
    ]);
    const at = (n: number): string => new Date(began + n * 1_000).toISOString();
    expect(await ids({ after: at(1), before: at(4) }, 50)).toEqual([[4, 3]]);
    const forged = Buffer.from('["steel"]').toString('base64url');
    const slices = new Turnstile().slices(new AbortController().signal);
    const moment = { reader: new ProjectReader(core.store, '*'), slices } as never;
    expect(await listAudit(moment, {}, { cursor: forged })).toMatchObject({ code: 'bad_cursor' });
  });
});
