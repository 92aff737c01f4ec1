/** Approvals: what waits for a person's decision, and the decision. */
import { z } from 'zod';
import { APPROVAL_ROLES, DECISIONS } from '../../../src/model/approval.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { approval, decision } from '../answers/approval.js';
import { pageOf } from '../answers/shape.js';
import type { App } from '../http.js';
import { pageQuery, reason, TASK_PATH, taskOf, taskParams } from '../requests.js';
import { Routes } from '../route.js';

const decisionBody = z.strictObject({ decision: z.enum(DECISIONS), reason });

export function approvalRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.find(
    '/v1/approvals',
    {
      summary:
        "Modules that wait for a person's decision, those of the oldest problem first, with their inputs",
      querystring: pageQuery.extend({
        role: z.enum(APPROVAL_ROLES).exactOptional().describe('Only those that ask this role'),
      }),
      answer: pageOf(approval),
    },
    (queries, { query }) => queries.approvals(query),
  );

  routes.perform(
    'POST',
    `${TASK_PATH}/approvals/:module`,
    {
      action: 'decide_approval',
      summary: 'Approve or deny the request of a module',
      params: taskParams.extend({ module: z.string() }),
      body: decisionBody,
      answers: { 200: decision },
    },
    ({ params, body, caller: { role, name } }) => ({
      ...{ kind: 'decide_approval', taskId: taskOf(params), module: params.module, role, ...body },
      ...(name !== null && { by: name }),
    }),
  );
}
