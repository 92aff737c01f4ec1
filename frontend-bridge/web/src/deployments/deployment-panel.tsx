import type { ReactNode } from 'react';
import { entriesOf } from '../../../../src/base/json/exact.js';
import type { DeploymentJson } from '../../../../src/contract/deployment.js';
import { DEFAULT_PROJECT } from '../../../../src/model/access.js';
import { CopyButton } from '../copying/copy-button.js';
import { Elapsed, Moment } from '../display/time.js';
import { Fact } from '../task/fact.js';
import { ShownValues } from './shown-values.js';

/** What a deployment gives and what it was given: beside the graph as long as no component is chosen. */
export function DeploymentPanel({ deployment }: { deployment: DeploymentJson }): ReactNode {
  const { deployment_id, blueprint, project, outputs, inputs, created_at, updated_at } = deployment;
  return (
    <section className="panel overview" aria-label="Overview">
      <Values title="Outputs" values={outputs} none="None yet, or none in the blueprint." />
      <Values title="Inputs" values={inputs} none="The blueprint has none." />
      <section className="part" aria-label="Facts">
        <dl className="fact-lines">
          <Fact name="Blueprint">{blueprint}</Fact>
          {project !== DEFAULT_PROJECT && <Fact name="Project">{project}</Fact>}
          <Fact name="Created">
            <Moment at={created_at} date="full" />
          </Fact>
          <Fact name="Age">
            <span className="figure">
              <Elapsed since={created_at} until={null} />
            </span>
          </Fact>
          <Fact name="Changed">
            <Moment at={updated_at} date="full" />
          </Fact>
          <Fact name="Id">
            <code className="id">{deployment_id}</code>
            <CopyButton text={deployment_id} what="the deployment's id" />
          </Fact>
        </dl>
      </section>
    </section>
  );
}

function Values(props: {
  title: string;
  values: Readonly<Record<string, unknown>>;
  none: string;
}): ReactNode {
  const { title, values, none } = props;
  const isEmpty = entriesOf(values).length === 0;
  return (
    <section className="part" aria-label={title}>
      <h2>{title}</h2>
      {isEmpty ? <p className="none">{none}</p> : <ShownValues values={values} />}
    </section>
  );
}
