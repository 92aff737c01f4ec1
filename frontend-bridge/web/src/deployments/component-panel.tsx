import type { ReactNode } from 'react';
import { entriesOf } from '../../../../src/base/json/exact.js';
import type { StepJson } from '../../../../src/contract/deployment.js';
import { ClusterLink } from '../clusters/cluster-link.js';
import { Chip } from '../display/chip.js';
import { Elapsed } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { toneOf } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import { Replicas } from '../services/service-panel.js';
import { Fact } from '../task/fact.js';
import { type ComponentCardProps, componentTone } from './component-card.js';
import { ShownValues } from './shown-values.js';
import { clustersOf, type LastSteps, upWords } from './standing.js';

export interface ComponentPanelProps extends Pick<ComponentCardProps, 'name' | 'component' | 'service'> {
  readonly deploymentId: string;
  readonly last: LastSteps | undefined;
  readonly onClose: () => void;
  /** Where there is no other place for it. */
  readonly log: ReactNode;
}

/** A component: where it is, what it comes after, what was last done to it, what it gave. */
export function ComponentPanel(props: ComponentPanelProps): ReactNode {
  const { name, component, service, deploymentId, last, onClose, log } = props;
  const { after, attributes } = component;
  const clusters = clustersOf(component);
  const hasAttributes = entriesOf(attributes).length > 0;
  return (
    <section className="panel" aria-labelledby="component-title">
      <header className="panel-head">
        <h2 id="component-title">{name}</h2>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </header>
      <p className="panel-facts">
        <Chip tone={componentTone(props)}>{component.state}</Chip>
        {service && <span className="figure">{upWords(service)}</span>}
      </p>
      <dl className="fact-lines">
        <Fact name={clusters.length > 1 ? 'Clusters' : 'Cluster'}>
          {clusters.length === 0 && <span className="none">none yet</span>}
          {clusters.map((cluster, index) => (
            <span key={cluster}>
              {index > 0 && ', '}
              <ClusterLink cluster={cluster} />
            </span>
          ))}
        </Fact>
        {after.length > 0 && <Fact name="After">{after.join(', ')}</Fact>}
        {component.service !== undefined && (
          <Fact name="Service">
            <SelectionLink
              className="link"
              to={{ page: 'services', name: component.service }}
              current={false}
            >
              {component.service}
            </SelectionLink>
          </Fact>
        )}
      </dl>
      {last && <Steps deploymentId={deploymentId} last={last} />}
      {log}
      {service && (
        <section className="part" aria-label="Replicas">
          <h3>Replicas</h3>
          <Replicas service={service} />
        </section>
      )}
      {hasAttributes && (
        <section className="part" aria-label="Attributes">
          <h3>Attributes</h3>
          <ShownValues values={attributes} />
        </section>
      )}
    </section>
  );
}

function Steps({ deploymentId, last }: { deploymentId: string; last: LastSteps }): ReactNode {
  const { operation, steps } = last;
  return (
    <section className="part" aria-label="Steps">
      <h3>
        Steps{' '}
        <small>
          {operation.operation}, operation {operation.operation_id}
        </small>
      </h3>
      <ol className="steps">
        {steps.map((step) => (
          <li key={step.module}>
            <SelectionLink
              className="link"
              to={{ problem: deploymentId, iteration: operation.operation_id, module: step.module }}
              current={false}
            >
              {step.operation}
            </SelectionLink>
            <Chip tone={toneOf(step.state)}>{step.state}</Chip>
            <span className="figure">
              {step.started_at !== null && <Elapsed since={step.started_at} until={step.finished_at} />}
            </span>
            <StepNote step={step} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Why it has failed, or what it waits for. */
function StepNote({ step }: { step: StepJson }): ReactNode {
  if (step.error)
    return (
      <p className="row-fault">
        <Foreign text={step.error.message} />
      </p>
    );
  return step.waiting_reason !== null && <p className="none">{step.waiting_reason}</p>;
}
