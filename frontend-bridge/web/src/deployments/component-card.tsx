import type { ReactNode } from 'react';
import type { ComponentJson, StepJson } from '../../../../src/contract/deployment.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { Elapsed } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { deploymentTone, type Tone } from '../display/tone.js';
import { Card } from '../task/card.js';
import { clustersOf, spanOf, stepNow, upWords } from './standing.js';

export interface ComponentCardProps {
  readonly name: string;
  readonly component: ComponentJson;
  /** What was last done to it. */
  readonly steps: readonly StepJson[];
  /** The service that it is. */
  readonly service: ServiceJson | undefined;
  readonly selected: boolean;
  readonly onSelect: () => void;
}

export function componentTone({
  component,
  service,
}: Pick<ComponentCardProps, 'component' | 'service'>): Tone {
  return deploymentTone(component.state, service?.health ?? 'ok');
}

/** A component: how it stands, where, and the step that runs or has failed. */
export function ComponentCard(props: ComponentCardProps): ReactNode {
  const { name, component, steps, selected, onSelect } = props;
  const span = spanOf(steps);
  return (
    <Card
      {...{ name, selected, onSelect }}
      tone={componentTone(props)}
      state={component.state}
      progress={null}
      time={span && <Elapsed {...span} />}
      note={<Note {...props} />}
    />
  );
}

function Note({ component, steps, service }: ComponentCardProps): ReactNode {
  const failed = steps.find(({ error }) => error !== null);
  const where = clustersOf(component).join(', ');
  const on = where === '' ? '' : `on ${where}`;
  switch (component.state) {
    case 'failed':
      return failed?.error ? <Foreign text={`${failed.operation}: ${failed.error.message}`} /> : on;
    case 'deployed':
      return [service && upWords(service), on].filter(Boolean).join(' ');
    case 'pending':
    case 'deploying':
    case 'undeploying':
      return nextWords(steps, on);
    case 'undeployed':
      return '';
    default:
      return component.state satisfies never;
  }
}

/** The step that runs and where, or what the next one waits for. */
function nextWords(steps: readonly StepJson[], on: string): string {
  const step = stepNow(steps);
  if (step === undefined) return on;
  if (step.state !== 'waiting') return `${step.operation} ${on}`;
  return step.waiting_reason ?? '';
}
