import { type ReactNode, useState } from 'react';
import type { DeploymentJson } from '../../../../src/contract/deployment.js';
import { commandDeployment, type DeploymentCommand } from '../api/commands.js';
import { usePost } from '../api/use-post.js';
import { SelectionLink } from '../selection-link.js';
import { Refused } from './refused.js';

interface Wish {
  readonly label: string;
  readonly asked: DeploymentCommand;
  /** What is asked back before it is done; without it, it is done at once. */
  readonly question?: string;
  readonly isMain?: true;
}

const CANCEL: Wish = {
  label: 'Cancel',
  asked: { command: 'cancel' },
  question: 'Cancel? The steps that run are stopped with all their processes, and the deployment is failed.',
};

const UNDEPLOY: Wish = {
  label: 'Undeploy',
  asked: { command: 'undeploy' },
  question: 'Undeploy? Each component that was brought up is stopped and deleted.',
};

const WISHES: Readonly<Record<DeploymentJson['state'], readonly Wish[]>> = {
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
  const [asking, setAsking] = useState<Wish>();
  const post = usePost((asked: DeploymentCommand, key: string) =>
    commandDeployment(deployment_id, asked, key),
  );
  const wishes = WISHES[state];
  const send = ({ asked }: Wish): void => {
    setAsking(undefined);
    post.send(asked);
  };
  return (
    <div className="deployment-buttons">
      {asking && wishes.includes(asking) ? (
        <Question wish={asking} onYes={() => send(asking)} onNo={() => setAsking(undefined)} />
      ) : (
        <div className="actions">
          {mayUpdate(deployment) && (
            <SelectionLink className="button" to={{ page: 'deploy', problem: deployment_id }} current={false}>
              Update …
            </SelectionLink>
          )}
          {wishes.map((wish) => (
            <button
              key={wish.label}
              type="button"
              className={wish.isMain ? 'primary' : undefined}
              disabled={post.pending}
              onClick={() => (wish.question === undefined ? send(wish) : setAsking(wish))}
            >
              {wish.label}
              {wish.question !== undefined && ' …'}
            </button>
          ))}
        </div>
      )}
      {post.error && <Refused error={post.error} />}
    </div>
  );
}

/** One that was to be undeployed cannot become anything else. */
function mayUpdate({ state, operation }: DeploymentJson): boolean {
  return state === 'deployed' || (state === 'failed' && operation !== 'undeploy');
}

function Question(props: { wish: Wish; onYes: () => void; onNo: () => void }): ReactNode {
  const { wish, onYes, onNo } = props;
  return (
    <fieldset className="actions asking">
      <legend>{wish.question}</legend>
      <button type="button" className="grave" onClick={onYes}>
        {wish.label}
      </button>
      <button type="button" onClick={onNo}>
        Do nothing
      </button>
    </fieldset>
  );
}
