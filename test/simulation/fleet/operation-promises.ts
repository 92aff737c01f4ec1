/**
 * What must hold of deployments. What has been done is noted from events alone, beside what the product observes.
 *
 * D1. One operation of a deployment at a time; each ends once, with its task.
 * D2. A step is planned only where it is to be done still, and all that are to be done are planned. `clean` begins anew.
 * D3. A step begins once all that come before it are done: upwards, what its component comes after; downwards, what comes after its component.
 * D4. A step fails at most as often as it may be attempted, and does not begin again once it has succeeded; without `retry`, it is given out once.
 * D5. One that has succeeded has done all of it: everything is up, or nothing of it is left.
 * D6. A service has what its references stood for.
 */
import { type Component, DEPLOY_OPERATIONS, hasOperation, within } from '../../../src/model/blueprint.js';
import { type DeploymentPlan, readPlan, serviceName, stepModule } from '../../../src/model/deployment.js';
import type { Fact } from '../../../src/model/facts.js';
import { formatTaskId } from '../../../src/model/task-id.js';
import type { State } from '../../../src/orchestrator/core/state.js';
import { check } from '../audit.js';

interface Known {
  readonly plan: DeploymentPlan;
  /** Steps that are done, over all operations, by their modules. */
  readonly done: Set<string>;
  /** Components of which something has begun. */
  readonly touched: Set<string>;
  /** The operation that goes on. */
  open: number | undefined;
  /** Of this operation: how often each step has failed, and those that have succeeded. */
  failures: Map<string, number>;
  given: Map<string, number>;
  succeeded: Set<string>;
}

export class OperationAudit {
  readonly #known = new Map<string, Known>();

  follow(state: State, fact: Fact): void {
    if (fact.type === 'graph.stored') {
      const read = readPlan(fact.yaml);
      if (read) this.#planned(read.deploymentId, read.plan);
      return;
    }
    const known = 'problem_id' in fact ? this.#known.get(fact.problem_id) : undefined;
    if (!known) return;
    switch (fact.type) {
      case 'deployment.started':
        check(known.open === undefined, `${known.plan.name}: a second operation begins`);
        known.open = fact.iteration_id;
        break;
      case 'deployment.succeeded':
      case 'deployment.failed':
        check(
          known.open === fact.iteration_id,
          `${known.plan.name}: operation ${fact.iteration_id} ends again`,
        );
        known.open = undefined;
        if (fact.type === 'deployment.succeeded') this.#succeeded(state, fact.problem_id, known);
        break;
      case 'execution.assigned':
        begins(known, fact.module);
        note(known.given, fact.module, 1);
        break;
      case 'execution.rejected':
        note(known.given, fact.module, -1);
        break;
      case 'execution.running':
        known.touched.add(componentOf(known, fact.module).name);
        break;
      case 'execution.succeeded':
        ends(known, fact.module);
        break;
      case 'execution.failed':
        note(known.failures, fact.module, 1);
        break;
      case 'module.waiting':
        if (fact.waiting?.code !== 'service' || known.touched.has(`${fact.module}!`)) break;
        // It says so each time that something of the service changes.
        known.touched.add(`${fact.module}!`);
        begins(known, fact.module);
        known.touched.add(componentOf(known, fact.module).name);
        checkReferences(state, known, fact.module);
        break;
      case 'module.served':
        ends(known, fact.module);
    }
  }

  /** D1. After each commit: it goes on as long as its task does. */
  settled(state: State): void {
    for (const [problemId, { open, plan }] of this.#known) {
      if (open === undefined) continue;
      const key = formatTaskId({ problemId, iterationId: open });
      check(state.tasks.has(key), `operation ${key} of ${plan.name} is open, its task is not there`);
    }
  }

  /** D2 */
  #planned(deploymentId: string, plan: DeploymentPlan): void {
    const before = this.#known.get(deploymentId);
    check(before?.open === undefined, `${plan.name}: an operation is planned while another one goes on`);
    const { components } = plan.blueprint;
    // What is not said to have been there begins anew.
    const isKept = (name: string): boolean => Object.hasOwn(plan.before, name);
    const done = new Set(
      components
        .filter(({ name }) => isKept(name))
        .flatMap(({ name }) => [...(before?.done ?? [])].filter((module) => module.startsWith(`${name}_`))),
    );
    const touched = new Set([...(before?.touched ?? [])].filter(isKept));
    const planned = plan.steps.map(stepModule);
    for (const module of planned) check(!done.has(module), `${plan.name}: ${module} is planned, and done`);
    for (const component of components)
      for (const operation of plan.direction === 'up' ? DEPLOY_OPERATIONS : (['delete'] as const)) {
        const module = stepModule({ component: component.name, operation });
        const isDue =
          hasOperation(component, operation) && (plan.direction === 'up' || touched.has(component.name));
        if (isDue && !done.has(module))
          check(planned.includes(module), `${plan.name}: ${module} is not planned`);
      }
    const own = {
      failures: new Map<string, number>(),
      given: new Map<string, number>(),
      succeeded: new Set<string>(),
      open: undefined,
    };
    this.#known.set(deploymentId, { plan, done, touched, ...own });
  }

  /** D5 */
  #succeeded(state: State, deploymentId: string, known: Known): void {
    const { plan, done } = known;
    if (plan.direction === 'up') {
      for (const component of plan.blueprint.components)
        for (const operation of DEPLOY_OPERATIONS) {
          const module = stepModule({ component: component.name, operation });
          check(
            !hasOperation(component, operation) || done.has(module),
            `${plan.name} is up without ${module}`,
          );
        }
      return;
    }
    for (const module of plan.steps.map(stepModule))
      check(done.has(module), `${plan.name} is down without ${module}`);
    for (const { spec } of state.services.values())
      check(spec.deployment !== deploymentId, `${plan.name} is down, and ${spec.name} is there`);
  }
}

function note(counts: Map<string, number>, module: string, more: number): void {
  counts.set(module, (counts.get(module) ?? 0) + more);
}

function componentOf({ plan }: Known, module: string): Component {
  return plan.blueprint.components.find(({ name }) => module.startsWith(`${name}_`))!;
}

/** D3, D4 */
function begins(known: Known, module: string): void {
  const { plan, done, failures, succeeded } = known;
  const { components } = plan.blueprint;
  const component = componentOf(known, module);
  check(known.open !== undefined, `${plan.name}: ${module} begins, and no operation goes on`);
  check(!succeeded.has(module), `${plan.name}: ${module} begins again`);
  check((failures.get(module) ?? 0) < component.attempts, `${plan.name}: ${module} begins once too often`);
  const isOnce = component.attempts === 1 && !component.service;
  check(!isOnce || (known.given.get(module) ?? 0) === 0, `${plan.name}: ${module} is given out again`);
  const own = plan.steps.filter((step) => step.component === component.name).map(stepModule);
  for (const one of own.slice(0, own.indexOf(module)))
    check(done.has(one), `${plan.name}: ${module} begins before ${one}`);
  const first = components.filter(({ name }) =>
    name === component.name
      ? false
      : plan.direction === 'up'
        ? within(components, component.name).has(name)
        : within(components, name).has(component.name),
  );
  for (const { name } of first)
    for (const step of plan.steps.filter((one) => one.component === name).map(stepModule))
      check(done.has(step), `${plan.name}: ${module} begins before ${step}`);
}

function ends({ plan, done, succeeded, touched }: Known, module: string): void {
  check(!succeeded.has(module), `${plan.name}: ${module} has succeeded twice`);
  done.add(module);
  succeeded.add(module);
  touched.delete(`${module}!`);
}

/** D6. Each operation of a component puts out its own name as `of`. */
function checkReferences(state: State, { plan, done }: Known, module: string): void {
  const component = plan.blueprint.components.find(({ name }) => module.startsWith(`${name}_`))!;
  const { OF = '' } = component.service!.spec.run.env as Readonly<Record<string, string>>;
  const owner = /^\$\{(.*)\.of\}$/.exec(OF)?.[1];
  const service = state.services.get(serviceName(plan, component.name));
  if (owner === undefined || plan.direction === 'down' || !service) return;
  const last = [...DEPLOY_OPERATIONS].reverse().find((operation) => done.has(`${owner}_${operation}`));
  const said = (service.spec.run.env as Readonly<Record<string, string>>).OF;
  check(
    said === `${owner}_${last}`,
    `${service.spec.name} was given ${said}, which is not that of ${owner}_${last}`,
  );
}
