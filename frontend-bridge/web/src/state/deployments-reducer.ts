/**
 * Events into the views of deployments: the rules are those of `reducer.ts`. What an operation has come to is read with what is observed
 * of the components: an event says neither.
 */
import type { EventJson } from '../../../../src/contract/event.js';
import { text } from './event-fields.js';
import type { DeploymentsView, DeploymentView, OperationsView, Reduced } from './views.js';

export function reduceDeployments(view: DeploymentsView, event: EventJson): Reduced<DeploymentsView> {
  return { view, complete: !isOfOperation(event) };
}

/** A component follows the steps of its deployment, and one that is a service its replicas. */
export function reduceDeployment(view: DeploymentView, event: EventJson): Reduced<DeploymentView> {
  const { deployment_id, components } = view.deployment;
  const service = text(event, 'service');
  if (service !== undefined) {
    const isOwn = Object.values(components).some((component) => component.service === service);
    return { view, complete: !isOwn };
  }
  const isOwn = event.problem_id === deployment_id;
  return { view, complete: !isOwn || !(isOfOperation(event) || isOfStep(event)) };
}

/** The newest operation is shown with its task, which events keep current. */
export function reduceOperations(view: OperationsView, event: EventJson): Reduced<OperationsView> {
  return { view, complete: event.problem_id !== view.deployment_id || !isOfOperation(event) };
}

function isOfOperation({ type }: EventJson): boolean {
  return type.startsWith('deployment.');
}

/** Not what a step says while it runs. */
const SAID: readonly string[] = ['execution.log', 'execution.progress', 'execution.command'];

function isOfStep({ type, module }: EventJson): boolean {
  return module !== undefined && !SAID.includes(type);
}
