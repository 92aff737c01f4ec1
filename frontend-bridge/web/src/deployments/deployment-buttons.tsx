import type { ReactNode } from 'react';
import type { DeploymentJson } from '../../../../src/contract/deployment.js';
import { commandDeployment, type DeploymentCommand } from '../api/commands.js';
import { usePost } from '../api/use-post.js';
import { type Wish, WishButtons } from '../display/wish-buttons.js';
import { SelectionLink } from '../selection-link.js';

const CANCEL: Wish<DeploymentCommand> = {
  label: 'Cancel',
  asked: { command: 'cancel' },
  question: 'Cancel? The steps that run are stopped with all their processes, and the deployment is failed.',
};

const UNDEPLOY: Wish<DeploymentCommand> = {
  label: 'Undeploy',
  asked: { command: 'undeploy' },
  question: 'Undeploy? Each component that was brought up is stopped and deleted.',
};

const WISHES: Readonly<Record<DeploymentJson['state'], readonly Wish<DeploymentCommand>[]>> = {
  deploying: [CANCEL],
  updating: [CANCEL],
  undeploying: [CANCEL],
  deployed: [UNDEPLOY],
  failed: [
    { label: 'Continue', asked: { command: 'continue' }, isMain: true },
    {
      label: 'Start over',
      asked: { command: 'continue', clean: true },
      question: 'Start over? Every step runs again, including those that have succeeded.',
    },
    UNDEPLOY,
  ],
  undeployed: [],
};

/** The operations that the state of a deployment allows. One that takes something down, or does it twice, asks back. */
export function DeploymentButtons({ deployment }: { deployment: DeploymentJson }): ReactNode {
  const { deployment_id, state } = deployment;
  const post = usePost((asked: DeploymentCommand, key: string) =>
    commandDeployment(deployment_id, asked, key),
  );
  return (
    <WishButtons wishes={WISHES[state]} post={post}>
      {mayUpdate(deployment) && (
        <SelectionLink className="button" to={{ page: 'deploy', problem: deployment_id }} current={false}>
          Update …
        </SelectionLink>
      )}
    </WishButtons>
  );
}

/** One that was to be undeployed cannot become anything else. */
function mayUpdate({ state, operation }: DeploymentJson): boolean {
  return state === 'deployed' || (state === 'failed' && operation !== 'undeploy');
}
