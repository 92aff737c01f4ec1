import './deployments.css';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import type {
  ComponentChangeJson,
  DeploymentChangesJson,
  DeploymentJson,
} from '../../../../src/contract/deployment.js';
import { changesOf, type OperationBegun, type Update, updateDeployment, uploadAll } from '../api/commands.js';
import { ApiError } from '../api/http.js';
import { deploymentQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';
import { useMay } from '../connection/may.js';
import { Refused } from '../display/refused.js';
import { useTab } from '../display/tab.js';
import { steps } from '../problems/input-faults.js';
import { SelectionLink } from '../selection-link.js';
import { BlueprintFiles } from './blueprint-files.js';
import { BlueprintInputs, type Typed, valuesOf } from './blueprint-inputs.js';
import { keptInputs } from './kept-inputs.js';
import { type Gathered, gather, useBlueprint } from './use-blueprint.js';

export interface UpdatePageProps {
  /** Its id, or its name. */
  readonly deployment: string;
  readonly onBegun: (begun: OperationBegun) => void;
}

/** A deployment becomes what another blueprint, other files or other inputs say: what that changes is shown before it is done. */
export default function UpdatePage({ deployment: asked, onBegun }: UpdatePageProps): ReactNode {
  const found = useQuery(deploymentQuery(asked));
  const mayUpdate = useMay('manage_deployment');
  const deployment = found.data?.view.deployment;
  useTab(deployment ? `Update ${deployment.name}` : 'Update');
  if (found.isError) return <p className="fault">{found.error.message}</p>;
  if (!deployment) return <p className="none">Reading …</p>;
  if (!mayUpdate) return <p className="none">Deployments are for operators and administrators.</p>;
  return <UpdateForm deployment={deployment} onBegun={onBegun} />;
}

interface Shown {
  readonly asked: Update;
  readonly changes: DeploymentChangesJson;
}

function UpdateForm(props: { deployment: DeploymentJson; onBegun: UpdatePageProps['onBegun'] }): ReactNode {
  const { deployment, onBegun } = props;
  const { deployment_id, name } = deployment;
  const blueprint = useBlueprint();
  const { chosen, named } = blueprint;
  const [typed, setTyped] = useState<Typed>({});
  const [unread, setUnread] = useState<Error>();
  const [shown, setShown] = useState<Shown>();
  const contents = useRef<Gathered['contents']>(new Map());
  const look = usePost(
    async (asked: Update): Promise<Shown> => ({ asked, changes: await changesOf(deployment_id, asked) }),
    setShown,
  );
  const update = usePost(async (asked: Update, key: string) => {
    await uploadAll(contents.current);
    return updateDeployment(deployment_id, asked, key);
  }, onBegun);
  const inputs = keptInputs(chosen?.form.inputs ?? [], deployment.inputs);
  const error = unread ?? look.error ?? update.error;
  const details = error instanceof ApiError ? error.details : [];
  const isWhole = chosen !== undefined && named.every(({ file }) => file !== undefined);
  const begin = (): void => {
    for (const one of [look, update]) one.reset();
    setUnread(undefined);
    setShown(undefined);
  };

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    begin();
    if (!chosen) return;
    try {
      const gathered = await gather(chosen, named);
      contents.current = gathered.contents;
      const { blueprint: text, files } = gathered;
      look.send({ blueprint: text, inputs: valuesOf(inputs, typed), files });
    } catch (thrown) {
      setUnread(thrown as Error);
    }
  };
  return (
    <form noValidate className="form" aria-labelledby="update-title" onSubmit={(event) => void submit(event)}>
      <nav aria-label="Where this is">
        <SelectionLink className="link" to={{ page: 'deployments', problem: deployment_id }} current={false}>
          Deployment {name}
        </SelectionLink>
      </nav>
      <h1 id="update-title">Update {name}</h1>
      <BlueprintFiles
        blueprint={{
          ...blueprint,
          add: (more) => {
            begin();
            blueprint.add(more);
          },
        }}
      />
      <BlueprintInputs
        inputs={inputs}
        typed={typed}
        onChange={(next) => {
          begin();
          setTyped(next);
        }}
        faults={details}
      />
      {error && <Refused error={error} isPlaced={({ path }) => steps(path)[0] === 'inputs'} />}
      {shown ? (
        <Confirm
          changes={shown.changes}
          pending={update.pending}
          onUpdate={() => update.send(shown.asked)}
          onLeave={() => setShown(undefined)}
        />
      ) : (
        <div className="actions">
          <button type="submit" className="primary" disabled={!isWhole || look.pending}>
            Show what changes
          </button>
        </div>
      )}
    </form>
  );
}

interface ConfirmProps {
  readonly changes: DeploymentChangesJson;
  readonly pending: boolean;
  readonly onUpdate: () => void;
  readonly onLeave: () => void;
}

function Confirm({ changes, pending, onUpdate, onLeave }: ConfirmProps): ReactNode {
  const { added, removed, changed, may_change } = changes;
  const names = (list: readonly string[]): readonly ComponentChangeJson[] =>
    list.map((name) => ({ name, fields: [] }));
  const isNothing = [added, removed, changed, may_change].every((list) => list.length === 0);
  return (
    <section className="changes" aria-label="Changes" role="status">
      {isNothing && <p>Nothing changes.</p>}
      <Part title="Added" says="deployed anew" sign="+" items={names(added)} />
      <Part title="Changed" says="replaced" sign="~" items={changed} />
      <Part
        title="Perhaps changed"
        says="replaced if what they refer to changes"
        sign="?"
        items={may_change}
      />
      <Part title="Removed" says="stopped and deleted" sign="−" items={names(removed)} />
      {!isNothing && <p className="none">All other components keep running as they are.</p>}
      <div className="actions">
        <button
          type="button"
          className={removed.length > 0 ? 'grave' : 'primary'}
          disabled={pending}
          onClick={onUpdate}
        >
          {pending ? 'Updating …' : 'Update'}
        </button>
        <button type="button" onClick={onLeave}>
          Do nothing
        </button>
      </div>
    </section>
  );
}

interface PartProps {
  readonly title: string;
  /** What is done with them. */
  readonly says: string;
  readonly sign: string;
  readonly items: readonly ComponentChangeJson[];
}

function Part({ title, says, sign, items }: PartProps): ReactNode {
  if (items.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2>
        {title} <small>{says}</small>
      </h2>
      <ul>
        {items.map(({ name, fields }) => (
          <li key={name}>
            <span aria-hidden="true">{sign}</span> <b>{name}</b>{' '}
            {fields.map((field) => (
              <code key={field}>{field}</code>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
