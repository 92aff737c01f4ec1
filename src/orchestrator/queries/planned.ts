/** The plan of an operation of a deployment, and what is observed of the components after it. */
import { plainOf } from '../../base/json/json-text.js';
import {
  type DeploymentPlan,
  type ObservedComponents,
  readPlan,
  stepModule,
} from '../../model/deployment.js';
import { observe } from '../../model/deployment-observed.js';
import type { Reader } from '../../store/store.js';
import type { ServiceRow } from '../tables/service-row.js';
import type { TaskRow } from '../tables/task-row.js';
import { servicesOf } from './deployment-services.js';
import type { Payloads } from './payloads.js';
import { moduleView } from './views.js';

/** Where an operation stands, with its plan. */
export interface Planned {
  readonly plan: DeploymentPlan;
  readonly observed: ObservedComponents;
  /** Of the deployment, by their names. */
  readonly services: ReadonlyMap<string, ServiceRow>;
}

/** The plan of an operation, and the observed state of the components after it. */
export async function plannedBy(reader: Reader, payloads: Payloads, row: TaskRow): Promise<Planned> {
  const { compiled, yaml } = await payloads.graphOf(row);
  const { plan } = readPlan(yaml)!;
  const outputs = new Map<string, unknown>();
  for (const step of plan.steps) {
    const module = stepModule(step);
    const output = await payloads.moduleOutput(reader, row, module);
    // One that is a blob is as good as unknown: see `docs/deployments.md`.
    if (output?.raw.kind === 'inline') outputs.set(module, plainOf(output.json));
  }
  const services = await servicesOf(reader, row.problem_id, plan);
  const observed = observe(
    plan,
    row.state,
    (module) => ({ state: moduleView(row, compiled, module).state, output: outputs.get(module) }),
    (name) => services.get(name)?.desired,
  );
  return { plan, observed, services };
}
