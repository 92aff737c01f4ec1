import './deployments.css';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { type Deploy, deploy, type OperationBegun, uploadAll } from '../api/commands.js';
import { ApiError } from '../api/http.js';
import { usePost } from '../api/use-post.js';
import { useMay } from '../connection/may.js';
import { Refused } from '../display/refused.js';
import { useTab } from '../display/tab.js';
import { steps } from '../problems/input-faults.js';
import { FieldFaults } from '../problems/input-field.js';
import { SelectionLink } from '../selection-link.js';
import { BlueprintFiles } from './blueprint-files.js';
import { BlueprintInputs, type Typed, valuesOf } from './blueprint-inputs.js';
import { type Gathered, gather, useBlueprint } from './use-blueprint.js';

/** A blueprint to deploy: its files, a name, and its inputs. */
export default function DeployPage(props: { onBegun: (begun: OperationBegun) => void }): ReactNode {
  const mayDeploy = useMay('manage_deployment');
  useTab('Deploy a blueprint');
  if (!mayDeploy) return <p className="none">Deployments are for operators and administrators.</p>;
  return <DeployForm {...props} />;
}

function DeployForm({ onBegun }: { onBegun: (begun: OperationBegun) => void }): ReactNode {
  const blueprint = useBlueprint();
  const { chosen, named } = blueprint;
  const [name, setName] = useState('');
  const [typed, setTyped] = useState<Typed>({});
  const [unread, setUnread] = useState<Error>();
  const contents = useRef<Gathered['contents']>(new Map());
  const post = usePost(async (asked: Deploy, key: string) => {
    await uploadAll(contents.current);
    return deploy(asked, key);
  }, onBegun);
  const error = unread ?? post.error;
  const details = error instanceof ApiError ? error.details : [];
  const missing = named.filter(({ file }) => file === undefined);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    post.reset();
    setUnread(undefined);
    if (!chosen) return;
    try {
      const inputs = valuesOf(chosen.form.inputs, typed);
      const { blueprint: text, files, ...gathered } = await gather(chosen, named);
      contents.current = gathered.contents;
      post.send({ ...(name !== '' && { name }), blueprint: text, inputs, files });
    } catch (thrown) {
      setUnread(thrown as Error);
    }
  };
  return (
    <form noValidate className="form" aria-labelledby="deploy-title" onSubmit={(event) => void submit(event)}>
      <nav aria-label="Where this is">
        <SelectionLink className="link" to={{ page: 'deployments' }} current={false}>
          All deployments
        </SelectionLink>
      </nav>
      <h1 id="deploy-title">Deploy a blueprint</h1>
      <BlueprintFiles blueprint={blueprint} />
      {chosen && (
        <>
          <div className="field">
            <label htmlFor="deploy-name">Name</label>
            <input
              id="deploy-name"
              autoComplete="off"
              placeholder={chosen.form.name}
              value={name}
              aria-invalid={details.some(({ path }) => steps(path)[0] === 'name')}
              aria-describedby="deploy-name-faults"
              onChange={({ target }) => setName(target.value.trim())}
            />
            <FieldFaults
              id="deploy-name-faults"
              faults={details.filter(({ path }) => steps(path)[0] === 'name')}
            />
          </div>
          <BlueprintInputs inputs={chosen.form.inputs} typed={typed} onChange={setTyped} faults={details} />
        </>
      )}
      {error && <Refused error={error} isPlaced={isPlaced} />}
      <div className="actions">
        <button
          type="submit"
          className="primary"
          disabled={chosen === undefined || missing.length > 0 || post.pending}
        >
          {post.pending ? 'Deploying …' : 'Deploy'}
        </button>
      </div>
    </form>
  );
}

function isPlaced({ path }: FaultJson): boolean {
  return ['name', 'inputs'].includes(steps(path)[0] ?? '');
}
