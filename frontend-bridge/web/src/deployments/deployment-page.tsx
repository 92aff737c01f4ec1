import './deployments.css';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { DeploymentJson, OperationJson } from '../../../../src/contract/deployment.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { ApiError } from '../api/http.js';
import { deploymentQuery, operationsQuery, servicesQuery, taskQuery } from '../api/queries.js';
import { useMay } from '../connection/may.js';
import { Chip } from '../display/chip.js';
import { useTab } from '../display/tab.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { deploymentTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import type { Select } from '../state/selection.js';
import { ComponentsView } from './components-view.js';
import { DeploymentButtons } from './deployment-buttons.js';
import { standingWords, withTask } from './standing.js';

export interface DeploymentPageProps {
  /** Its id, or its name. */
  readonly deployment: string;
  readonly component: string | undefined;
  readonly onSelect: Select;
}

const NO_SERVICES: readonly ServiceJson[] = [];

/** A deployment as it stands now: its components, its operations, and what may be done with it. */
export default function DeploymentPage({
  deployment: asked,
  component,
  onSelect,
}: DeploymentPageProps): ReactNode {
  const found = useQuery(deploymentQuery(asked));
  const deployment = found.data?.view.deployment;
  const operations = useOperations(deployment);
  const services = useQuery(servicesQuery()).data?.view.items ?? NO_SERVICES;
  const mayCommand = useMay('manage_deployment');
  useTab(
    deployment?.name ?? 'Deployment',
    deployment && deploymentTone(deployment.state, deployment.health).tone,
  );
  if (found.isError && !deployment) return <Failure error={found.error} asked={asked} />;
  if (!deployment) return <p className="none">Reading …</p>;
  const to = (name: string | undefined): void =>
    onSelect({ page: 'deployments', problem: asked, module: name });
  return (
    <article className="fleet" aria-labelledby="deployment-title">
      <Head deployment={deployment} operations={operations.items} mayCommand={mayCommand} />
      {operations.error && <p className="fault">{operations.error.message}</p>}
      <ComponentsView
        deployment={deployment}
        operations={operations.items}
        services={services}
        selected={component}
        onSelect={to}
      />
    </article>
  );
}

const NO_OPERATIONS: readonly OperationJson[] = [];

/** The newest one is followed as the task that it is. */
function useOperations(deployment: DeploymentJson | undefined): {
  readonly items: readonly OperationJson[];
  readonly error: Error | null;
} {
  const { deployment_id: id = '', operation_id: newest = 0 } = deployment ?? {};
  const enabled = deployment !== undefined;
  const found = useQuery({ ...operationsQuery(id), enabled });
  const task = useQuery({ ...taskQuery(id, newest), enabled }).data?.view.task;
  const stored = found.data?.view.items ?? NO_OPERATIONS;
  const items = useMemo(() => withTask(stored, task), [stored, task]);
  return { items, error: found.error };
}

function Head(props: {
  deployment: DeploymentJson;
  operations: readonly OperationJson[];
  mayCommand: boolean;
}): ReactNode {
  const { deployment, operations, mayCommand } = props;
  const { deployment_id, name, state, health, operation, operation_id } = deployment;
  const newest = operations.find((one) => one.operation_id === operation_id);
  return (
    <header className="task-head">
      <nav aria-label="Where this is">
        <SelectionLink className="link" to={{ page: 'deployments' }} current={false}>
          All deployments
        </SelectionLink>
      </nav>
      <div className="task-title">
        <h1 id="deployment-title">{name}</h1>
        {mayCommand && <DeploymentButtons key={deployment_id} deployment={deployment} />}
      </div>
      <div className="task-facts">
        <Chip tone={deploymentTone(state, health)}>{standingWords(state, health)}</Chip>
        <span className="figure">version {deployment.version}</span>
        {newest && (
          <span className="figure">
            {operation}, begun at <Moment at={newest.created_at} />,{' '}
            {newest.finished_at === null ? 'for' : 'took'}{' '}
            <Elapsed since={newest.created_at} until={newest.finished_at} />
          </span>
        )}
      </div>
      <Trouble deployment={deployment} />
    </header>
  );
}

/** What has failed, and what its services lack. */
function Trouble({ deployment }: { deployment: DeploymentJson }): ReactNode {
  const { deployment_id, state, failed, message, reasons, drift } = deployment;
  return (
    <>
      {state === 'failed' && failed && (
        <p className="fault" role="alert">
          <SelectionLink
            className="link"
            to={{ page: 'deployments', problem: deployment_id, module: failed.component }}
            current={false}
          >
            {failed.component}
          </SelectionLink>{' '}
          {failed.operation}
          {failed.cluster !== null && ` on ${failed.cluster}`}: <Foreign text={failed.message} />
        </p>
      )}
      {state === 'failed' && !failed && message !== null && (
        <p className="fault" role="alert">
          <Foreign text={message} />
        </p>
      )}
      {drift.length > 0 && <Drift deploymentId={deployment_id} drift={drift} />}
      {reasons.map((reason) => (
        <p key={reason} className="held-box" role="status">
          <Foreign text={reason} />
        </p>
      ))}
    </>
  );
}

/** How what is there differs from what was deployed, and what is done about it. */
function Drift({ deploymentId, drift }: { deploymentId: string; drift: DeploymentJson['drift'] }): ReactNode {
  return (
    <section className="held-box drift" aria-label="Drift">
      <b>Not as it was deployed</b>
      <ul>
        {drift.map(({ component, kind, message }) => (
          <li key={`${component} ${kind} ${message}`}>
            <SelectionLink
              className="link"
              to={{ page: 'deployments', problem: deploymentId, module: component }}
              current={false}
            >
              {component}
            </SelectionLink>
            : <Foreign text={message} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Failure({ error, asked }: { error: Error; asked: string }): ReactNode {
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <p className="fault" role="alert">
      {isMissing ? `There is no deployment ${asked} here.` : error.message}
    </p>
  );
}
