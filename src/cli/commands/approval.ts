/** Modules that wait for a decision, and the decision: `approvals`, `approve` and `deny`. */
import { type Command, Option } from 'commander';
import { APPROVAL_ROLES, type ApprovalRole, type Decision } from '../../model/approval.js';
import { shortId } from '../../model/short-id.js';
import { taskIdOf } from '../arguments/short-ids.js';
import type { Json } from '../client.js';
import { everyItem } from '../every-item.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { taskPath } from '../tasks/task.js';

interface DecideOptions extends CommonOptions {
  readonly reason?: string;
}

export function approvalCommands(program: Command, io: Io): void {
  clientCommand(program, 'approvals', 'List modules that wait for approval')
    .addOption(new Option('--role <role>', 'only those that ask this role').choices(APPROVAL_ROLES))
    .action(async ({ role, ...common }: CommonOptions & { readonly role?: ApprovalRole }) => {
      const session = openSession(common, io);
      const items = await everyItem(session.client, '/v1/approvals', role === undefined ? {} : { role });
      const columns = ['TASK_ID', 'MODULE', 'GRAPH', 'TITLE', 'ROLE', 'REQUESTED', 'MESSAGE'];
      session.print({ items, next_cursor: null }, () => table(columns, items.map(rowOf)));
    });
  decideCommand(program, io, 'approve', 'Approve the request of a module');
  decideCommand(program, io, 'deny', 'Deny the request of a module, which then fails');
}

function rowOf({
  problem_id,
  iteration_id,
  module,
  graph,
  title,
  role,
  requested_at,
  message,
}: Json): unknown[] {
  const task = `${shortId(String(problem_id))}/${String(iteration_id)}`;
  return [task, module, graph, title, role, requested_at, message];
}

function decideCommand(program: Command, io: Io, decision: Decision, description: string): void {
  clientCommand(program, decision, description)
    .argument('<task_id>')
    .argument('<module>')
    .option('--reason <reason>', 'the reason, for the history')
    .action(async (taskId: string, module: string, { reason, ...common }: DecideOptions) => {
      const session = openSession(common, io);
      const path = taskPath(await taskIdOf(session.client, taskId));
      const decided = await session.client.post(`${path}/approvals/${encodeURIComponent(module)}`, {
        decision,
        ...(reason !== undefined && { reason }),
      });
      const word = decision === 'approve' ? 'approved' : 'denied';
      session.print(decided, () => `${String(decided.task_id)}  ${module}  ${word}`);
    });
}
