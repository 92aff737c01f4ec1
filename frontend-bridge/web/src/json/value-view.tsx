import { lazy, type ReactNode, Suspense, useState } from 'react';
import { printIndented } from '../../../../src/base/json/exact.js';
import { BytesView } from '../values/bytes-view.js';
import { contentOf, elsewhere } from '../values/content.js';
import { LargeContent } from '../values/large-content.js';
import { SaveButton } from '../values/save-button.js';
import { Ways } from '../values/ways.js';
import { download, downloadJson } from './download.js';
import { JsonValue } from './value.js';

const JsonTree = lazy(() => import('./tree.js'));

export interface ValueViewProps {
  readonly value: unknown;
  /** What a downloaded file is called, without its ending. */
  readonly name: string;
  /** As the graph says: `json`, `bytes:image/png`, a message's name. */
  readonly type?: string | undefined;
  /** Where the output is, under `/v1`: its bytes as the node sent them, and below it the file to keep. */
  readonly bytesAt?: string | undefined;
}

/** A value to read, as what it is; and to take along. */
export function ValueView(props: ValueViewProps): ReactNode {
  const { value, type, name, bytesAt } = props;
  const content = contentOf(value, type);
  const large = elsewhere(value);
  if (content) return <BytesView content={content} name={name} bytesAt={bytesAt} />;
  if (large) return <LargeContent name={name} type={type} size={large.size} bytesAt={bytesAt} />;
  return <JsonView {...props} />;
}

function JsonView({ value, name, type, bytesAt }: ValueViewProps): ReactNode {
  const [way, setWay] = useState<'fields' | 'tree' | 'raw'>('fields');
  const isMessage = type !== 'json' && type?.startsWith('json:') !== true;
  return (
    <div className="value">
      <div className="value-tools">
        <Ways
          ways={{ fields: 'Fields', tree: 'Tree', raw: 'Raw' }}
          chosen={way}
          name={name}
          onChoose={setWay}
        />
        <button type="button" className="quiet" onClick={() => downloadJson(`${name}.json`, value)}>
          Download JSON
        </button>
        {bytesAt !== undefined && isMessage && (
          <SaveButton label="Download bytes" save={() => download(`${bytesAt}/file`, name)} />
        )}
      </div>
      {way === 'fields' && <JsonValue value={value} />}
      {way === 'tree' && (
        <Suspense fallback={<p className="none">Reading …</p>}>
          <JsonTree value={value} />
        </Suspense>
      )}
      {way === 'raw' && <Raw name={name} value={value} />}
    </div>
  );
}

function Raw({ name, value }: { name: string; value: unknown }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
    <section className="raw" tabIndex={0} aria-label={`${name}, raw`}>
      <pre>{printIndented(value)}</pre>
    </section>
  );
}
