import { lazy, type ReactNode, Suspense, useState } from 'react';
import { printIndented } from '../../../../src/base/json/exact.js';
import { download, downloadJson } from './download.js';
import { JsonValue } from './value.js';

const JsonTree = lazy(() => import('./tree.js'));

const WAYS = { fields: 'Fields', tree: 'Tree', raw: 'Raw' } as const;
type Way = keyof typeof WAYS;

export interface ValueViewProps {
  readonly value: unknown;
  /** What a downloaded file is called, without its ending. */
  readonly name: string;
  /** Where the bytes are as the node sent them, under `/v1`. */
  readonly bytesAt?: string | undefined;
}

/** A value to read: as fields, as a tree, as it is; and to take along. */
export function ValueView({ value, name, bytesAt }: ValueViewProps): ReactNode {
  const [way, setWay] = useState<Way>('fields');
  const [fault, setFault] = useState<string>();
  return (
    <div className="value">
      <div className="value-tools">
        <fieldset className="speeds">
          <legend className="unseen">Show as</legend>
          {(Object.keys(WAYS) as Way[]).map((one) => (
            <label key={one} className={one === way ? 'speed speed-chosen' : 'speed'}>
              <input
                type="radio"
                name={`way ${name}`}
                className="unseen"
                checked={one === way}
                onChange={() => setWay(one)}
              />
              {WAYS[one]}
            </label>
          ))}
        </fieldset>
        <button type="button" className="quiet" onClick={() => downloadJson(`${name}.json`, value)}>
          Download JSON
        </button>
        {bytesAt !== undefined && (
          <button
            type="button"
            className="quiet"
            onClick={() => {
              setFault(undefined);
              download(`${name}.bin`, bytesAt).catch((thrown: Error) => setFault(thrown.message));
            }}
          >
            Download bytes
          </button>
        )}
      </div>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
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
