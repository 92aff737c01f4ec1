/** A deployment that is asked for: its name, and its blueprint with the inputs and the files. */
import { BLUEPRINT_NAME, BLUEPRINT_NAME_EXPECTED } from '../../model/blueprint.js';
import type { Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { type PrepareBlueprintDeps, type PreparedBlueprint, prepareBlueprint } from './blueprint.js';

type Deploy = Extract<Request, { kind: 'deploy' }>;

export async function prepareDeployment(
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
