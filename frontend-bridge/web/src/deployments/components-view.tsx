import { type ReactNode, useMemo } from 'react';
import type { DeploymentJson, OperationJson } from '../../../../src/contract/deployment.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { useShortcut } from '../shortcuts/shortcuts.js';
import { GraphCanvas, GraphList } from '../task/graph-canvas.js';
import { TaskLines } from '../task/task-lines.js';
import { useNarrow } from '../task/use-narrow.js';
import { ComponentCard, componentTone } from './component-card.js';
import { ComponentPanel } from './component-panel.js';
import { DeploymentPanel } from './deployment-panel.js';
import { OperationsTable } from './operations-table.js';
import { componentOf, lastStepsOf, serviceOf, shapeOf } from './standing.js';

export interface ComponentsViewProps {
  readonly deployment: DeploymentJson;
  readonly operations: readonly OperationJson[];
  readonly services: readonly ServiceJson[];
  readonly selected: string | undefined;
  readonly onSelect: (component: string | undefined) => void;
}

/** The components as a graph, the operations and a log below it, and beside it the component that is chosen, or what the deployment gives. */
export function ComponentsView(props: ComponentsViewProps): ReactNode {
  const { deployment, operations, services, selected, onSelect } = props;
  const { deployment_id } = deployment;
  const isNarrow = useNarrow();
  const shape = useShape(deployment);
  const chosen = componentOf(deployment, selected);
  useShortcut('Escape', 'Close the component', () => onSelect(undefined), chosen !== undefined);
  const about = (name: string) => {
    const component = componentOf(deployment, name)!;
    return { name, component, service: serviceOf(component, deployment_id, services) };
  };
  const graph = {
    graph: shape,
    selected,
    cardOf: (name: string) => (
      <ComponentCard
        {...about(name)}
        steps={lastStepsOf(operations, name)?.steps ?? []}
        selected={name === selected}
        onSelect={() => onSelect(name === selected ? undefined : name)}
      />
    ),
  };
  const log = <Log deployment={deployment} operations={operations} component={chosen && selected} />;
  const table = <OperationsTable deploymentId={deployment_id} operations={operations} />;
  const panel = chosen && (
    <ComponentPanel
      {...about(selected!)}
      deploymentId={deployment_id}
      last={lastStepsOf(operations, selected!)}
      onClose={() => onSelect(undefined)}
      log={isNarrow && log}
    />
  );
  if (isNarrow) {
    return (
      <>
        <GraphList {...graph} word="after" panel={panel} />
        {!panel && log}
        {table}
        {!panel && <DeploymentPanel deployment={deployment} />}
      </>
    );
  }
  return (
    <div className="score">
      <div className="score-main">
        <GraphCanvas
          {...graph}
          toneOf={(name) => componentTone(about(name)).tone}
          isPassed={({ from }) => componentOf(deployment, from)?.state === 'deployed'}
          onSelect={onSelect}
        />
        {table}
        {log}
      </div>
      <div className="score-side">{panel ?? <DeploymentPanel deployment={deployment} />}</div>
    </div>
  );
}

/** It stays the same while states change, so that nothing is laid out anew. */
function useShape(deployment: DeploymentJson): ReturnType<typeof shapeOf> {
  const shape = shapeOf(deployment);
  const text = JSON.stringify(shape);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text says all of it.
  return useMemo(() => shape, [text]);
}

interface LogProps {
  readonly deployment: DeploymentJson;
  readonly operations: readonly OperationJson[];
  /** The one that is chosen. @default the one that has failed, or else all of the newest operation */
  readonly component: string | undefined;
}

function Log({ deployment, operations, component }: LogProps): ReactNode {
  const { deployment_id, name, operation_id, operation, state, failed } = deployment;
  const shown = component ?? (state === 'failed' ? failed?.component : undefined);
  const last = shown === undefined ? undefined : lastStepsOf(operations, shown);
  const of = last ? shown : `${operation}, operation ${operation_id}`;
  const iteration = last?.operation.operation_id ?? operation_id;
  if (shown !== undefined && last === undefined) return null;
  return (
    <section className="times" aria-labelledby="deployment-log">
      <h2 id="deployment-log">Log of {of}</h2>
      <TaskLines
        key={`${iteration} ${shown}`}
        problem={deployment_id}
        iteration={iteration}
        modules={last?.steps.map(({ module }) => module)}
        name={`${name}-${iteration}`}
      />
    </section>
  );
}
