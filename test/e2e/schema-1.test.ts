/**
 * A data directory of schema 1 opens with everything in it.
 *
 * `schema-1/data.tgz` was written by the release of 2026-12-01 and ended by SIGKILL: graphs in two versions with an index, iterations in
 * every state, reuse, overrides, a retry, a reset, a blob, commands, a dead node, and work under way. `answers.json`
 * holds what that release answered from it, by path.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const FOLDER = join(import.meta.dirname, 'schema-1');
const PATHS = 120;

it('answers everything from a data directory of schema 1 as it was answered before', async () => {
  const scene = Scene.ofTest();
  const folder = await scene.directory();
  execFileSync('tar', ['-xzf', join(FOLDER, 'data.tgz'), '-C', folder]);
  const data = join(folder, 'data');
  const orchestrator = await OrchestratorProcess.up(scene, { data });
  const answers = JSON.parse(await readFile(join(FOLDER, 'answers.json'), 'utf8')) as Record<string, Json>;
  expect(Object.keys(answers).length).toBeGreaterThan(PATHS);
  for (const [path, expected] of Object.entries(answers)) {
    const response = await fetch(orchestrator.ready.http + path);
    expect(response.status, path).toBe(200);
    const text = await response.text();
    // An export is one line for each iteration, not one document.
    const body: Json = path.endsWith('/export') ? text : JSON.parse(text);
    if (typeof expected === 'string') {
      expect(body, path).toBe(expected);
      continue;
    }
    // What waits at the start may be told once more.
    if (path.endsWith('/events')) body.items.splice(expected.items.length);
    expect(body, path).toMatchObject(expected);
  }
  // It was made before there were projects.
  const { items } = (await orchestrator.get('/v1/problems?limit=100')).body;
  expect(new Set(items.map(({ project }: Json) => project))).toEqual(new Set(['default']));
  // Problems of then can be changed as those of now.
  const { problem_id } = answers['/v1/problems?limit=100'].items.at(-1)!;
  const said = { title: 'of schema 1', tags: ['old'], starred: true };
  const changed = await orchestrator.patch(`/v1/problems/${problem_id}`, said);
  expect([changed.status, changed.body]).toMatchObject([200, said]);
  expect((await orchestrator.get('/v1/problems?tag=old')).body.items).toMatchObject([
    { problem_id, ...said },
  ]);
  await orchestrator.process.end('SIGTERM');
  const checked = await tutti(scene, ['check', '--data', data], {});
  expect(checked.code, checked.stdout + checked.stderr).toBe(0);
});
