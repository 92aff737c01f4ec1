/** Configuration requests to a node, as SustainML's front end sends them. */
import { describe, expect, it } from 'vitest';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

describe('a configuration request', () => {
  it('is answered by the node: with what now holds, or with why not', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const node = await startNode(scene, orchestrator, { module: 'work' }).line('registered ');
    const configure = (configuration: string) =>
      orchestrator.post(`/v1/nodes/${node}/configuration`, { configuration });
    expect(await configure('batch=8')).toMatchObject({
      status: 200,
      body: { success: true, configuration: 'batch=8' },
    });
    expect(await configure('bad=1')).toMatchObject({
      status: 200,
      body: { success: false, error: { code: 'bad_setting', message: 'no bad=1 here' } },
    });
    expect((await configure('show')).body).toMatchObject({ success: true, configuration: 'batch=8' });
  });

  it('a request to a dead node is refused at once, and a request to an unknown node is not found', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const process = startNode(scene, orchestrator, { module: 'work' });
    const node = await process.line('registered ');
    await process.end('SIGKILL');
    await tape.first('it is missed', ({ type }) => type === 'node.unresponsive' || type === 'node.dead');
    const path = `/v1/nodes/${node}/configuration`;
    expect(await orchestrator.post(path, { configuration: 'batch=8' })).toMatchObject({
      status: 409,
      body: { error: { code: 'node_not_alive' } },
    });
    const nobody = path.replace(node.slice(-4), 'ffff');
    expect((await orchestrator.post(nobody, { configuration: 'batch=8' })).status).toBe(404);
  });

  it('a request that the node does not answer in time ends with 504', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const process = startNode(scene, orchestrator, { module: 'work' });
    const node = await process.line('registered ');
    process.signal('SIGSTOP');
    const body = { configuration: 'batch=8', timeout_ms: 300 };
    const answer = await orchestrator.post(`/v1/nodes/${node}/configuration`, body);
    expect(answer).toMatchObject({ status: 504, body: { error: { code: 'no_answer' } } });
  });
});
