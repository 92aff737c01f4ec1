import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ApprovalJson } from '../../../../src/contract/iteration.js';
import { approvalsQuery } from '../api/queries.js';
import { useTab } from '../display/tab.js';
import { Elapsed } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { ValueView } from '../json/value-view.js';
import { SelectionLink } from '../selection-link.js';
import { DecisionForm } from './decision-form.js';

/** What waits for a person, those of the oldest problem first: what is asked, what it is about, and the answer. */
export default function ApprovalsPage(): ReactNode {
  const approvals = useQuery(approvalsQuery());
  const view = approvals.data?.view;
  useTab('Approvals');
  return (
    <article className="approvals" aria-labelledby="approvals-title">
      <h1 id="approvals-title">Approvals</h1>
      {approvals.isError && <p className="fault">{approvals.error.message}</p>}
      {approvals.isPending && <p className="none">Reading …</p>}
      {view?.items.length === 0 && <p className="none">Nothing is waiting for approval.</p>}
      <ul className="approval-list">
        {view?.items.map((approval) => (
          <li key={`${approval.task_id} ${approval.module} ${approval.requested_at}`}>
            <Approval approval={approval} />
          </li>
        ))}
      </ul>
      {view?.hasMore && <p className="none">More are waiting: they appear as these are decided.</p>}
    </article>
  );
}

function Approval({ approval }: { approval: ApprovalJson }): ReactNode {
  const { problem_id: problem, iteration_id: iteration, module, graph, role, message, inputs } = approval;
  const leftOut = approval.left_out;
  return (
    <section className="approval" aria-label={`${module} of ${approval.title || graph}`}>
      <h2>
        <Foreign text={message} />
      </h2>
      <p className="panel-facts">
        <SelectionLink className="link" to={{ problem, iteration, module }} current={false}>
          {module}
        </SelectionLink>
        <span>
          of {approval.title ? <Foreign text={approval.title} /> : graph}, iteration {iteration}
        </span>
        <span>asks the {role}</span>
        <span className="figure">
          waiting for <Elapsed since={approval.requested_at} until={null} />
        </span>
      </p>
      {Object.entries(inputs).map(([name, value]) => (
        <details key={name} open>
          <summary>{name}</summary>
          <ValueView value={value} name={name} />
        </details>
      ))}
      {leftOut.length > 0 && (
        <p className="none">
          {leftOut.join(', ')} {leftOut.length === 1 ? 'is' : 'are'} too large for this list: see the task.
        </p>
      )}
      <DecisionForm problem={problem} iteration={iteration} module={module} />
    </section>
  );
}
