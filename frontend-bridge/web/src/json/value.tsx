import type { ReactNode } from 'react';
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { embeddedJson } from './embedded.js';

/** Deeper structures, and lists longer than this, begin folded. */
const OPEN_DEPTH = 1;
const OPEN_ITEMS = 12;

/** A JSON value as fields and foldable parts: native elements only, so that keyboards and screen readers know them. */
export function JsonValue({ value }: { value: unknown }): ReactNode {
  if (!isStructure(value)) {
    return (
      <div className="json">
        <Scalar value={value} />
      </div>
    );
  }
  return (
    <div className="json">
      <Fields value={value} depth={0} />
    </div>
  );
}

function Fields({ value, depth }: { value: object; depth: number }): ReactNode {
  const entries = entriesOf(value);
  if (entries.length === 0)
    return <span className="json-none">{isList(value) ? 'empty list' : 'empty'}</span>;
  return (
    <dl className={depth === 0 ? 'json-fields json-root' : 'json-fields'}>
      {entries.map(([name, field]) => (
        <Field key={name} name={name} value={field} depth={depth} />
      ))}
    </dl>
  );
}

function Field({ name, value, depth }: { name: string; value: unknown; depth: number }): ReactNode {
  const embedded = typeof value === 'string' ? embeddedJson(value) : undefined;
  const structure = embedded?.value ?? (isStructure(value) ? value : undefined);
  const flat = structure && Array.isArray(structure) && structure.every(isShortScalar);
  return (
    <div className={structure && !flat ? 'json-field json-nested' : 'json-field'}>
      <dt>{name}</dt>
      <dd>
        {!structure && <Scalar value={value} />}
        {structure && flat && <List items={structure} />}
        {structure && !flat && (
          <details open={depth < OPEN_DEPTH && countOf(structure) <= OPEN_ITEMS && !embedded}>
            <summary>
              {describe(structure)}
              {embedded && (
                <span className="json-note"> · {embedded.from === 'base64' ? 'bytes, JSON' : 'JSON'}</span>
              )}
            </summary>
            <Fields value={structure} depth={depth + 1} />
          </details>
        )}
      </dd>
    </div>
  );
}

function List({ items }: { items: readonly unknown[] }): ReactNode {
  if (items.length === 0) return <span className="json-none">empty list</span>;
  return (
    <ul className="json-list">
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a list's items have no name but their place.
        <li key={index}>
          <Scalar value={item} />
        </li>
      ))}
    </ul>
  );
}

function Scalar({ value }: { value: unknown }): ReactNode {
  if (value === null || value === undefined) return <span className="json-none">none</span>;
  if (typeof value === 'string') {
    return value === '' ? (
      <span className="json-none">empty text</span>
    ) : (
      <span className="json-text">{value}</span>
    );
  }
  return <span className="json-number">{String(value)}</span>;
}

function isStructure(value: unknown): value is object {
  return typeof plainOf(value) === 'object' && value !== null;
}

function isList(value: object): boolean {
  return Array.isArray(plainOf(value));
}

function describe(structure: object): string {
  const count = countOf(structure);
  if (isList(structure)) return count === 1 ? '1 item' : `${count} items`;
  return count === 1 ? '1 field' : `${count} fields`;
}

function countOf(structure: object): number {
  return Object.keys(plainOf(structure) as object).length;
}

function isShortScalar(value: unknown): boolean {
  return !isStructure(value) && String(value).length <= 60;
}
