import { type ReactNode, useState } from 'react';
import { embeddedJson } from '../../../../src/base/json/embedded.js';
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { shortNumber } from '../../../../src/model/shown-numbers.js';
import { contentInText, mediaIn } from '../values/content.js';
import { ContentView } from '../values/content-view.js';
import { DataTable } from '../values/data-table.js';
import { matrixIn, numbersIn, recordsIn, type TableData } from '../values/lists.js';
import { Sparkline } from '../values/sparkline.js';

/** Deeper structures, and lists longer than this, begin folded. */
const OPEN_DEPTH = 1;
const OPEN_ITEMS = 12;
/** So much is shown at first of a list, of an object, of a text; more when it is asked for. */
const FIRST_ITEMS = 24;
const FIRST_FIELDS = 100;
const FIRST_CHARACTERS = 2_000;
/** As many again with each time that more is asked for. */
const MORE = 500;

/** A JSON value as fields, foldable parts, tables, lines and pictures: native elements, so that keyboards and screen readers know them. */
export function JsonValue({ value }: { value: unknown }): ReactNode {
  return (
    <div className="json">
      {isStructure(value) ? <Structure value={value} name="Value" /> : <Scalar value={value} />}
    </div>
  );
}

function Structure({ value, name }: { value: object; name: string }): ReactNode {
  return drawn(value, name) ?? <Fields value={value} depth={0} />;
}

/** What people read as a picture, a table or a line. */
function drawn(value: object, name: string): ReactNode | undefined {
  const content = mediaIn(value);
  if (content) return <ContentView content={content} name={name} />;
  const numbers = numbersIn(value);
  if (numbers) return <Numbers items={value} numbers={numbers} />;
  const table: TableData | undefined = matrixIn(value) ?? recordsIn(value);
  return table && <DataTable data={table} label={name} />;
}

function Numbers({ items, numbers }: { items: object; numbers: readonly number[] }): ReactNode {
  return (
    <>
      <Sparkline numbers={numbers} />
      <details>
        <summary>{describe(items)}</summary>
        <List items={entriesOf(items).map(([, item]) => item)} />
      </details>
    </>
  );
}

function Fields({ value, depth }: { value: object; depth: number }): ReactNode {
  const entries = entriesOf(value);
  const [count, setCount] = useState(FIRST_FIELDS);
  if (entries.length === 0)
    return <span className="json-none">{isList(value) ? 'empty list' : 'empty'}</span>;
  return (
    <>
      <dl className={depth === 0 ? 'json-fields json-root' : 'json-fields'}>
        {entries.slice(0, count).map(([name, field]) => (
          <Field key={name} name={name} value={field} depth={depth} />
        ))}
      </dl>
      <More rest={entries.length - count} onMore={() => setCount(count + MORE)} />
    </>
  );
}

function Field({ name, value, depth }: { name: string; value: unknown; depth: number }): ReactNode {
  const embedded = typeof value === 'string' ? embeddedJson(value) : undefined;
  const content = typeof value === 'string' && !embedded ? contentInText(value) : undefined;
  const structure = embedded?.value ?? (isStructure(value) ? value : undefined);
  const picture = structure && drawn(structure, name);
  const flat = structure && !picture && Array.isArray(structure) && structure.every(isShortScalar);
  const isNested = content !== undefined || (structure !== undefined && !flat);
  const isOpen = depth < OPEN_DEPTH && !embedded;
  return (
    <div className={isNested ? 'json-field json-nested' : 'json-field'}>
      <dt>{name}</dt>
      <dd>
        {!structure && !content && <Scalar value={value} />}
        {content && <ContentView content={content} name={name} />}
        {picture && (isOpen ? picture : <Folded title={describe(structure)}>{picture}</Folded>)}
        {flat && <List items={structure} />}
        {structure && !flat && !picture && (
          <details open={isOpen && countOf(structure) <= OPEN_ITEMS}>
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

function Folded({ title, children }: { title: string; children: ReactNode }): ReactNode {
  const [wasOpened, setOpened] = useState(false);
  return (
    <details onToggle={() => setOpened(true)}>
      <summary>{title}</summary>
      {wasOpened && children}
    </details>
  );
}

function List({ items }: { items: readonly unknown[] }): ReactNode {
  const [count, setCount] = useState(FIRST_ITEMS);
  if (items.length === 0) return <span className="json-none">empty list</span>;
  return (
    <>
      <ul className="json-list">
        {items.slice(0, count).map((item, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a list's items have no name but their place.
          <li key={index}>
            <Scalar value={item} />
          </li>
        ))}
      </ul>
      <More rest={items.length - count} onMore={() => setCount(count + MORE)} />
    </>
  );
}

/** How many are not shown, and more of them. */
function More({ rest, onMore }: { rest: number; onMore: () => void }): ReactNode {
  return rest <= 0 ? null : (
    <button type="button" className="link" onClick={onMore}>
      {rest.toLocaleString('en-US')} more
    </button>
  );
}

function Scalar({ value }: { value: unknown }): ReactNode {
  if (value === null || value === undefined) return <span className="json-none">none</span>;
  if (typeof value === 'string') return <Text text={value} />;
  const [short, whole] = [shortNumber(value), String(value)];
  return (
    <span className="json-number" title={short === whole ? undefined : whole}>
      {short}
    </span>
  );
}

function Text({ text }: { text: string }): ReactNode {
  const [isWhole, setWhole] = useState(text.length <= FIRST_CHARACTERS);
  if (text === '') return <span className="json-none">empty text</span>;
  return (
    <>
      <span className="json-text">{isWhole ? text : text.slice(0, FIRST_CHARACTERS)}</span>
      {!isWhole && (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          … {(text.length - FIRST_CHARACTERS).toLocaleString('en-US')} more characters
        </button>
      )}
    </>
  );
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
