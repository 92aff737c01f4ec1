import { type ReactNode, useState } from 'react';
import type { OperationJson, StepJson } from '../../../../src/contract/deployment.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { isDone, toneOf } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';

/** As many are taken in at a glance. */
const FIRST = 5;

export interface OperationsTableProps {
  readonly deploymentId: string;
  /** Oldest first. */
  readonly operations: readonly OperationJson[];
}

/** What was done to a deployment, newest first: each operation is a task with its timeline and its logs. */
export function OperationsTable({ deploymentId, operations }: OperationsTableProps): ReactNode {
  const [count, setCount] = useState(FIRST);
  const newestFirst = [...operations].reverse();
  return (
    <section className="operations" aria-labelledby="operations-title">
      <h2 id="operations-title">Operations</h2>
      <FleetTable label="All operations" columns={['Operation', 'State', 'Steps', 'Begun', 'Took']}>
        {newestFirst.slice(0, count).map((operation) => (
          <OperationRow key={operation.operation_id} deploymentId={deploymentId} operation={operation} />
        ))}
      </FleetTable>
      {operations.length > count && (
        <button type="button" className="quiet" onClick={() => setCount(operations.length)}>
          Show all {operations.length}
        </button>
      )}
    </section>
  );
}

function OperationRow(props: { deploymentId: string; operation: OperationJson }): ReactNode {
  const { deploymentId, operation } = props;
  const { operation_id, state, steps, created_at, finished_at } = operation;
  const failed = steps.find(({ error }) => error !== null);
  return (
    <tr>
      <th scope="row">
        <SelectionLink
          className="link"
          to={{ problem: deploymentId, iteration: operation_id }}
          current={false}
        >
          {operation_id}. {operation.operation}
          <span className="unseen">, timeline and logs</span>
        </SelectionLink>
      </th>
      <td data-label="State">
        <span className="node-status">
          <Chip tone={toneOf(state)}>{state}</Chip>
          {failed?.error && (
            <span className="row-fault">
              {failed.component} {failed.operation}: <Foreign text={failed.error.message} />
            </span>
          )}
        </span>
      </td>
      <td className="figure" data-label="Steps">
        {steps.filter((step) => isDone(step.state)).length} of {steps.length}
        <RunningSteps steps={steps} />
      </td>
      <td data-label="Begun">
        <Moment at={created_at} />
      </td>
      <td className="figure" data-label="Took">
        <Elapsed since={created_at} until={finished_at} />
      </td>
    </tr>
  );
}

function RunningSteps({ steps }: { steps: readonly StepJson[] }): ReactNode {
  return steps
    .filter(({ state }) => state === 'running')
    .map(({ module, component, operation }) => (
      <small key={module} className="row-more">
        {component} {operation}
      </small>
    ));
}
