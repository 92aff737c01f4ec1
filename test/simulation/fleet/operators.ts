/** People who deploy, go on, take down and cancel, each by what they see at that moment. */
import { ALL_PROJECTS } from '../../../src/model/access.js';
import { planInput } from '../../../src/model/deployment-graph.js';
import type { PreparedInput, PreparedRequest } from '../../../src/orchestrator/core/turn.js';
import type { Answer } from '../../../src/orchestrator/port.js';
import { nextOperation } from '../../../src/orchestrator/prepare/operation.js';
import { typesFromDescriptors } from '../../../src/wire/types.js';
import type { Random } from '../../support/random.js';
import type { Shell } from '../shell.js';
import { drawBlueprint, SCRIPT } from './blueprints.js';

const NAMES = ['shop', 'blog'];
const SCRIPT_SHA256 = 'a'.repeat(64);
const types = typesFromDescriptors(new Uint8Array());
const typesJson = types.toJson(['json']);

export interface OperatorsDeps {
  readonly random: Random;
  /** Nothing while it is down. */
  readonly shell: () => Shell | undefined;
  readonly ask: (request: PreparedRequest, onAnswer?: (answer: Answer) => void) => void;
}

export class Operators {
  readonly #deps: OperatorsDeps;

  constructor(deps: OperatorsDeps) {
    this.#deps = deps;
  }

  async act(): Promise<void> {
    const { random } = this.#deps;
    const name = random.pick(NAMES);
    const what = random.pick([
      'deploy',
      'deploy',
      'continue',
      'clean',
      'undeploy',
      'undeploy',
      'cancel',
    ] as const);
    if (what === 'deploy') this.#deploy(name);
    else if (what === 'cancel') this.cancel(this.#newest(name));
    else if (what === 'undeploy') await this.operate(this.#newest(name), { operation: 'undeploy' });
    else await this.operate(this.#newest(name), { operation: 'continue', clean: what === 'clean' });
  }

  #newest(name: string): string | undefined {
    const all = [...(this.#deps.shell()?.state.deployments.values() ?? [])];
    return all.filter((one) => one.name === name).sort((a, b) => b.createdAt - a.createdAt)[0]?.id;
  }

  #deploy(name: string): void {
    const blueprint = drawBlueprint(this.#deps.random);
    this.#deps.shell()?.upload(SCRIPT_SHA256, 10);
    this.#deps.ask({
      ...{ kind: 'deploy', name, project: 'default', blueprint, inputs: {}, types, typesJson },
      files: blueprint.components.some(({ service }) => !service) ? { [SCRIPT]: SCRIPT_SHA256 } : {},
      prepared: inline(planInput({ blueprint, inputs: {}, before: {} })),
    });
  }

  /** Prepared by what is stored of the newest operation, as `prepare.ts` does. */
  async operate(
    deploymentId: string | undefined,
    asked: { readonly operation: 'continue' | 'undeploy'; readonly clean?: boolean },
  ): Promise<void> {
    const shell = this.#deps.shell();
    const deployment = shell?.state.deployments.get(deploymentId ?? '');
    if (!shell || !deployment) return;
    const next = await nextOperation(
      { store: shell.store, state: shell.state, bound: ALL_PROJECTS },
      { kind: 'operate_deployment', deploymentId: deployment.id, ...asked },
    );
    // The operation is not committed yet.
    if ('ok' in next) return;
    const prepared = inline(planInput(next.asked));
    this.#deps.ask({ kind: 'operate_deployment', ...next, types, typesJson, prepared });
  }

  cancel(deploymentId: string | undefined): void {
    if (deploymentId !== undefined) this.#deps.ask({ kind: 'cancel_deployment', deploymentId });
  }
}

function inline(value: unknown): PreparedInput {
  return { kind: 'inline', bytes: new TextEncoder().encode(JSON.stringify(value)) };
}
