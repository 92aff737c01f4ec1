/** A deployment that is asked for: its name, and its blueprint with the inputs and the files. */

import { projectFor } from '../../model/access.js';
import { BLUEPRINT_NAME, BLUEPRINT_NAME_EXPECTED } from '../../model/blueprint.js';
import { planInput } from '../../model/deployment-graph.js';
import type { TypeRegistry } from '../../wire/types.js';
import type { PreparedRequest } from '../core/turn.js';
import type { Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { type PrepareBlueprintDeps, type PreparedBlueprint, prepareBlueprint } from './blueprint.js';
import { type InputDeps, keepJson } from './input.js';

type Deploy = Extract<Request, { kind: 'deploy' }>;
type PreparedDeploy = Extract<PreparedRequest, { kind: 'deploy' }>;

export interface PrepareDeployDeps extends PrepareBlueprintDeps, Omit<InputDeps, 'blobs'> {
  readonly bound: string;
  readonly types: TypeRegistry;
}

export async function prepareDeploy(
  deps: PrepareDeployDeps,
  request: Extract<Request, { kind: 'deploy' }>,
): Promise<PreparedDeploy | Refusal> {
  const asked = await prepareDeployment(deps, request);
  if (!asked.ok) return asked;
  const { name, blueprint, inputs, files } = asked;
  const prepared = await keepJson(deps, planInput({ blueprint, inputs, before: {} }));
  if ('ok' in prepared) return prepared;
  const typesJson = deps.types.toJson(['json']);
  const project = projectFor(deps.bound);
  const { kind, traceparent } = request;
  return {
    ...{ kind, name, project, blueprint, inputs, files, prepared, types: deps.types, typesJson },
    ...(traceparent !== undefined && { traceparent }),
  };
}

async function prepareDeployment(
  deps: PrepareBlueprintDeps,
  { name, ...asked }: Deploy,
): Promise<(PreparedBlueprint & { readonly name: string }) | Refusal> {
  if (name !== undefined && !BLUEPRINT_NAME.test(name)) {
    const message = BLUEPRINT_NAME_EXPECTED;
    const details = [{ path: '/name', code: 'bad_name', message }];
    return refusal('invalid', 'bad_name', `the name: ${message}`, { details });
  }
  const prepared = await prepareBlueprint(deps, asked);
  return prepared.ok ? { ...prepared, name: name ?? prepared.blueprint.name } : prepared;
}
