/** A node that dials the wrong address says which one, and what is there. */
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { missing } from '../python/python.js';
import { spawnAuthored } from '../support/authored.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const SOURCES = {
  js: `import { node } from 'tutti/sdk';\nawait node('nobody_knows_it', () => 1).start();\n`,
  py: `from tutti import node\n@node("nobody_knows_it")\ndef run(task): return 1\n`,
} as const;

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

for (const language of ['js', 'py'] as const) {
  describe(`a node with a wrong address, ${language}`, () => {
    it('names it, where nobody answers, where HTTP does, and where it is refused', async (ctx) => {
      const tool = language === 'py' ? missing('zmq', 'google.protobuf') : undefined;
      if (tool !== undefined) ctx.skip(`needs ${tool}`);
      const scene = Scene.ofTest();
      const orchestrator = await OrchestratorProcess.up(scene, {
        graphs: ['one'],
        env: { TUTTI_TOKEN: 'not-known-to-nodes' },
      });
      const dial = async (control: string) =>
        [control, await spawnAuthored(scene, control, { source: SOURCES[language], language })] as const;
      const [closed, alone] = await dial(`tcp://127.0.0.1:${await closedPort()}`);
      const [http, misled] = await dial(orchestrator.ready.http.replace('http:', 'tcp:'));
      const [control, refused] = await dial(orchestrator.ready.control);

      await misled.logs(`${http}: that is an HTTP port; use the control address`);
      await alone.logs(`${closed}: no orchestrator has answered yet`);
      expect((await refused.exited).code).toBe(1);
      expect(refused.stderr).toContain(`${control}: `);
      expect(refused.stderr).toContain('unauthorized');
    });
  });
}
