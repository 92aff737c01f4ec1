/** What is asked of deployments, made ready: the blueprint read and compared with what is given, or what is observed after the newest operation. */
import { type Fault, summaryOf } from '../base/errors.js';
import { SHA256 } from '../base/sha256.js';
import { type Blueprint, filesOfBlueprint } from '../model/blueprint.js';
import { inputsFor } from '../model/blueprint-inputs.js';
import type { Refusal, Request } from './port.js';

type Deploy = Extract<Request, { kind: 'deploy' }>;

/** `of` a name that somebody gives; the blueprint's own fits. */
const NAME = /^[a-z][a-z0-9_-]{0,39}$/;

export function blueprintFaults(faults: readonly Fault[]): Refusal {
  const message = `the blueprint is at fault: ${summaryOf(faults)}`;
  return { ok: false, kind: 'invalid', code: 'bad_blueprint', message, details: faults };
}

/** The inputs of the deployment, or what is wrong with the request. */
export function deploymentInputs(
  { name, inputs, files }: Deploy,
  blueprint: Blueprint,
): { readonly ok: true; readonly inputs: Readonly<Record<string, unknown>> } | Refusal {
  if (name !== undefined && !NAME.test(name)) {
    const message =
      'give a name of lower-case letters, digits, - and _, beginning with a letter, at most 40 characters long';
    const details = [{ path: '/name', code: 'bad_name', message }];
    return { ok: false, kind: 'invalid', code: 'bad_name', message: `the name: ${message}`, details };
  }
  const unfit = fileFaults(blueprint, files);
  if (unfit.length > 0) return blueprintFaults(unfit);
  const given = inputsFor(blueprint, inputs);
  if (given.ok) return given;
  const { message, faults: details } = given;
  return { ok: false, kind: 'invalid', code: 'bad_inputs', message, details };
}

/** Files have to be those that the blueprint names, and no others. */
function fileFaults(blueprint: Blueprint, files: Readonly<Record<string, string>>): Fault[] {
  const named = filesOfBlueprint(blueprint);
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(files)) {
    const at = `/files/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!named.has(path))
      faults.push({ path: at, code: 'unknown_file', message: 'the blueprint names no such file' });
    else if (!SHA256.test(sha256))
      faults.push({ path: at, code: 'bad_sha256', message: 'give 64 hexadecimal digits, lower case' });
  }
  for (const [path, at] of named) {
    if (Object.hasOwn(files, path)) continue;
    const message = `the file ${path} is not given: upload it as a blob, and give its SHA-256 in files`;
    faults.push({ path: at, code: 'missing_file', message });
  }
  return faults;
}
