import type { ReactNode } from 'react';
import { collapseAllNested, JsonView } from 'react-json-view-lite';
import { entriesOf, unordered } from '../../../../src/base/json/exact.js';
import { JsonText, plainOf, printJson } from '../../../../src/base/json/json-text.js';

/** Any value as a tree that opens level by level, by mouse and arrow keys. */
export default function JsonTree({ value }: { value: unknown }): ReactNode {
  if (typeof value !== 'object' || value === null || typeof plainOf(value) !== 'object')
    return <pre className="raw">{printJson(value)}</pre>;
  return (
    <JsonView
      data={shown(value)}
      shouldExpandNode={collapseAllNested}
      clickToExpandNode
      aria-label="Value"
      style={STYLE}
    />
  );
}

/**
 * The view shows dates by their own `toISOString`, and takes other objects apart: so a number is drawn as it was written. Names that are
 * whole numbers come first here.
 */
class WrittenNumber extends Date {
  readonly #text: string;

  constructor(text: string) {
    super(0);
    this.#text = text;
  }

  override toISOString(): string {
    return this.#text;
  }
}

function shown(value: object): object {
  const structure = unordered(value);
  if (structure instanceof JsonText) return new WrittenNumber(structure.text);
  if (Array.isArray(structure)) return structure.map(shownPart);
  return Object.fromEntries(entriesOf(structure as object).map(([name, part]) => [name, shownPart(part)]));
}

function shownPart(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? shown(value) : value;
}

const STYLE = {
  container: 'tree',
  basicChildStyle: 'tree-item',
  childFieldsContainer: 'tree-items',
  label: 'tree-label',
  clickableLabel: 'tree-label tree-clickable',
  nullValue: 'tree-quiet',
  undefinedValue: 'tree-quiet',
  stringValue: 'tree-text',
  booleanValue: 'tree-number',
  numberValue: 'tree-number',
  otherValue: 'tree-number',
  punctuation: 'tree-quiet',
  expandIcon: 'tree-icon tree-closed',
  collapseIcon: 'tree-icon tree-open',
  collapsedContent: 'tree-more',
  noQuotesForStringValues: false,
  quotesForFieldNames: false,
};
