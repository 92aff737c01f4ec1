import type { ReactNode } from 'react';
import { entriesOf } from '../../../../src/base/json/exact.js';
import { CopyButton } from '../copying/copy-button.js';
import { Foreign } from '../display/title.js';
import { JsonValue } from '../json/value.js';
import { Fact } from '../task/fact.js';

/** Inputs, attributes or outputs, each under its name. An address leads there; a text can be copied. */
export function ShownValues({ values }: { values: Readonly<Record<string, unknown>> }): ReactNode {
  return (
    <dl className="fact-lines">
      {entriesOf(values).map(([name, value]) => (
        <Fact key={name} name={name}>
          {typeof value === 'string' ? <ShownText name={name} text={value} /> : <JsonValue value={value} />}
        </Fact>
      ))}
    </dl>
  );
}

function ShownText({ name, text }: { name: string; text: string }): ReactNode {
  return (
    <>
      {/^https?:\/\/\S+$/.test(text) ? (
        <a className="link" href={text} target="_blank" rel="noreferrer">
          <Foreign text={text} />
        </a>
      ) : (
        <Foreign text={text} />
      )}{' '}
      <CopyButton text={text} what={name} />
    </>
  );
}
