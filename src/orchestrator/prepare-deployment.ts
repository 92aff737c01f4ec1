/** What is asked of deployments, made ready: the blueprint read and compared with what is given, or what is observed after the newest operation. */
import { type Fault, summaryOf } from '../base/errors.js';
import {
  BLUEPRINT_NAME,
  BLUEPRINT_NAME_EXPECTED,
  type Blueprint,
  filesOfBlueprint,
} from '../model/blueprint.js';
import { inputsFor } from '../model/blueprint-inputs.js';
import { fileFaults } from './named-files.js';
import type { Refusal, Request } from './port.js';

type Deploy = Extract<Request, { kind: 'deploy' }>;

export function blueprintFaults(faults: readonly Fault[]): Refusal {
  const message = `the blueprint is at fault: ${summaryOf(faults)}`;
  return { ok: false, kind: 'invalid', code: 'bad_blueprint', message, details: faults };
}

/** The inputs of the deployment, or what is wrong with the request. */
export function deploymentInputs(
  { name, inputs, files }: Deploy,
  blueprint: Blueprint,
): { readonly ok: true; readonly inputs: Readonly<Record<string, unknown>> } | Refusal {
  if (name !== undefined && !BLUEPRINT_NAME.test(name)) {
    const message = BLUEPRINT_NAME_EXPECTED;
    const details = [{ path: '/name', code: 'bad_name', message }];
    return { ok: false, kind: 'invalid', code: 'bad_name', message: `the name: ${message}`, details };
  }
  const named = filesOfBlueprint(blueprint);
  const unfit = fileFaults({ named, given: files, field: 'files', by: 'the blueprint' });
  if (unfit.length > 0) return blueprintFaults(unfit);
  const given = inputsFor(blueprint, inputs);
  if (given.ok) return given;
  const { message, faults: details } = given;
  return { ok: false, kind: 'invalid', code: 'bad_inputs', message, details };
}
