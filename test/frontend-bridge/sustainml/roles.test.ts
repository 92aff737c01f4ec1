import pino from 'pino';
import { expect, it } from 'vitest';
import { createFacade } from '../../../frontend-bridge/sustainml/facade.js';
import type { Role } from '../../../src/model/access.js';
import { createFakeCoordinator } from '../../support/fake-coordinator.js';

it('the facade does what its role may do by the table of roles, and names the role that anything else needs', async () => {
  const cells: Record<string, unknown> = {};
  for (const role of ['viewer', 'author', undefined] satisfies (Role | undefined)[]) {
    const facade = createFacade({
      coordinator: createFakeCoordinator(),
      port: 0,
      decode: () => undefined,
      models: { catalogue: () => [] },
      ...(role && { role }),
      logger: pino({ level: 'silent' }),
    });
    const { url } = await facade.start();
    try {
      cells[String(role)] = await Promise.all(
        ['/status', '/user_input', '/cancel', '/config_request'].map(async (path) => {
          const reply = await fetch(url + path, { method: 'POST', body: '{}' });
          return reply.status === 403 ? ((await reply.json()) as { code: string }).code : 'may';
        }),
      );
    } finally {
      await facade.stop();
    }
  }
  expect(cells).toEqual({
    viewer: ['may', 'author_needed', 'author_needed', 'operator_needed'],
    author: ['may', 'may', 'may', 'operator_needed'],
    undefined: ['may', 'may', 'may', 'may'],
  });
});
