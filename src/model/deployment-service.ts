/**
 * The service that a component is, with the values of its references.
 *
 * V1. Each reference is replaced once. In the words of a command, its agent would look for further ones: no value may hold one there.
 */
import {
  type BlueprintReference,
  INPUTS_NAME,
  REPLICA_NAME,
  replaceReferences,
  valueAt,
} from './blueprint.js';
import { type DeploymentPlan, observedOf, serviceName, stepModule } from './deployment.js';
import type { RunWork } from './run.js';
import type { ServiceSpec } from './service.js';

export type ResolvedService =
  | { readonly ok: true; readonly spec: ServiceSpec }
  | { readonly ok: false; readonly message: string };

/** `outputs`: of the steps of this operation, by their modules. */
export function resolveService(
  deploymentId: string,
  plan: DeploymentPlan,
  component: string,
  outputs: ReadonlyMap<string, unknown>,
): ResolvedService {
  const { spec } = plan.blueprint.components.find(({ name }) => name === component)!.service!;
  const faults: string[] = [];
  const textOf = (reference: BlueprintReference, shown: string): string => {
    const { owner, path } = reference;
    const from = owner === INPUTS_NAME ? plan.inputs : attributesOf(plan, owner, outputs);
    const value = valueAt(from, path);
    if (value === undefined) faults.push(`${shown}: there is no ${path.join('.')} in ${owner}`);
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
    // The system ends a word, and a value of the environment, there.
    if (text.includes('\0')) faults.push(`${shown}: the value has a NUL character`);
    return text;
  };
  const resolve = (text: string, isWord: boolean): string =>
    replaceReferences(text, (reference) => {
      const shown = `\${${[reference.owner, ...reference.path].join('.')}}`;
      if (isWord && reference.owner === REPLICA_NAME) return shown;
      const value = textOf(reference, shown);
      // V1.
      if (isWord && value.includes('${'))
        faults.push(`${shown}: the value holds \${, which stands for a reference in a word: give it in env`);
      return value;
    });
  const env = Object.entries(spec.run.env).map(([name, value]) => [
    name,
    typeof value === 'string' ? resolve(value, false) : value,
  ]);
  const work = withWords(spec.run.work, (word) => resolve(word, true));
  if (faults.length > 0) return { ok: false, message: [...new Set(faults)].join('; ') };
  const run = { ...spec.run, work, env: Object.fromEntries(env) };
  return {
    ok: true,
    spec: { ...spec, run, name: serviceName(plan, component), deployment: deploymentId },
  };
}

function withWords(work: RunWork, change: (word: string) => string): RunWork {
  switch (work.kind) {
    case 'command':
      return { ...work, argv: work.argv.map(change) };
    case 'script':
      return { ...work, args: work.args.map(change) };
    case 'job':
      return work;
    default:
      return work satisfies never;
  }
}

/** Those of a later operation take the place of earlier ones of the same names. */
function attributesOf(
  { before, steps }: DeploymentPlan,
  component: string,
  outputs: ReadonlyMap<string, unknown>,
): unknown {
  const made = steps
    .filter((step) => step.component === component)
    .map((step) => outputs.get(stepModule(step)));
  const there = observedOf(before, { name: component });
  return Object.assign({}, there.former ? {} : there.attributes, ...made);
}
