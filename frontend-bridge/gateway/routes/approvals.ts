/** Approvals: what waits for a person's decision, and the decision. */
import { z } from 'zod';
import { DECISIONS } from '../../../src/model/approval.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, perform, sendFound } from '../http.js';
import { pageQuery, postHeaders, reason, TASK_PATH, taskOf, taskParams } from '../requests.js';
import * as shape from '../schemas.js';

const decisionBody = z.strictObject({ decision: z.enum(DECISIONS), reason });

export function approvalRoutes(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/approvals',
    {
      schema: {
        summary:
          "Modules that wait for a person's decision, those of the oldest problem first, with their inputs",
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.approval) }),
      },
      config: { action: 'read' },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).approvals(request.query)),
  );

  app.post(
    `${TASK_PATH}/approvals/:module`,
    {
      schema: {
        summary: 'Approve or deny what a module asks',
        params: taskParams.extend({ module: z.string() }),
        headers: postHeaders,
        body: decisionBody,
        response: shape.answers({ 200: shape.decision }),
      },
      config: { action: 'decide_approval' },
    },
    ({ params, body, headers, caller: { role, name } }, reply) =>
      perform(
        coordinator,
        {
          kind: 'decide_approval',
          taskId: taskOf(params),
          module: params.module,
          ...body,
          role,
          ...(name !== null && { by: name }),
        },
        reply,
        headers,
      ),
  );
}
