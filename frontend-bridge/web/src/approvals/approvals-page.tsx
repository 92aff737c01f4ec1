import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ApprovalJson } from '../../../../src/contract/iteration.js';
import { mayDecide } from '../../../../src/model/access.js';
import { approvalsQuery } from '../api/queries.js';
import { useRole } from '../connection/may.js';
import { useTab } from '../display/tab.js';
import { Elapsed } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { ValueView } from '../json/value-view.js';
import { SelectionLink } from '../selection-link.js';
import type { ApprovalsView } from '../state/views.js';
import { DecisionForm } from './decision-form.js';
import { useMyApprovals } from './mine.js';

/** What waits for the person who looks, those of the oldest problem first: the question, the data, and the answer; then what waits for others. */
export default function ApprovalsPage(): ReactNode {
  const role = useRole();
  const mine = useMyApprovals();
  const isForOthers = role !== undefined && !mayDecide(role, 'operator');
  const all = useQuery({ ...approvalsQuery(), enabled: isForOthers });
  const others = all.data?.view.items.filter((one) => role !== undefined && !mayDecide(role, one.role));
  const isMine = role !== undefined && mayDecide(role, 'author');
  useTab('Approvals');
  return (
    <article className="approvals" aria-labelledby="approvals-title">
      <h1 id="approvals-title">Approvals</h1>
      {mine.isError && <p className="fault">{mine.error.message}</p>}
      {mine.isPending && (role === undefined || isMine) && <p className="none">Reading …</p>}
      {mine.data && <Mine view={mine.data.view} />}
      {all.isError && <p className="fault">{all.error.message}</p>}
      {isForOthers && others?.length === 0 && !isMine && (
        <p className="none">Nothing is waiting for approval.</p>
      )}
      {others !== undefined && others.length > 0 && (
        <section className="approvals" aria-labelledby="others-title">
          <h2 id="others-title">For others to decide</h2>
          <ApprovalList items={others} mayDecide={false} />
        </section>
      )}
    </article>
  );
}

function Mine({ view }: { view: ApprovalsView }): ReactNode {
  if (view.items.length === 0) return <p className="none">Nothing is waiting for your approval.</p>;
  return (
    <>
      <ApprovalList items={view.items} mayDecide />
      {view.hasMore && <p className="none">More are waiting: they appear as these are decided.</p>}
    </>
  );
}

function ApprovalList(props: { items: readonly ApprovalJson[]; mayDecide: boolean }): ReactNode {
  return (
    <ul className="approval-list">
      {props.items.map((approval) => (
        <li key={`${approval.task_id} ${approval.module} ${approval.requested_at}`}>
          <Approval approval={approval} mayDecide={props.mayDecide} />
        </li>
      ))}
    </ul>
  );
}

function Approval(props: { approval: ApprovalJson; mayDecide: boolean }): ReactNode {
  const { approval } = props;
  const { problem_id: problem, iteration_id: iteration, module, graph, role, message, inputs } = approval;
  const leftOut = approval.left_out;
  // What waits for others stands below a heading of its own.
  const Heading = props.mayDecide ? 'h2' : 'h3';
  return (
    <section className="approval" aria-label={`${module} of ${approval.title || graph}`}>
      <Heading>
        <Foreign text={message} />
      </Heading>
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
      {props.mayDecide && <DecisionForm problem={problem} iteration={iteration} module={module} />}
    </section>
  );
}
