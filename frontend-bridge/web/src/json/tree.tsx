import type { ReactNode } from 'react';
import { collapseAllNested, JsonView } from 'react-json-view-lite';

/** Any value as a tree that opens level by level, by mouse and arrow keys. */
export default function JsonTree({ value }: { value: unknown }): ReactNode {
  if (typeof value !== 'object' || value === null) return <pre className="raw">{JSON.stringify(value)}</pre>;
  return (
    <JsonView
      data={value}
      shouldExpandNode={collapseAllNested}
      clickToExpandNode
      aria-label="Value"
      style={STYLE}
    />
  );
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
  otherValue: 'tree-text',
  punctuation: 'tree-quiet',
  expandIcon: 'tree-icon tree-closed',
  collapseIcon: 'tree-icon tree-open',
  collapsedContent: 'tree-more',
  noQuotesForStringValues: false,
  quotesForFieldNames: false,
};
