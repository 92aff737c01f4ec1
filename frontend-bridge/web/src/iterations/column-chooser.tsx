import { type ReactNode, useId, useMemo, useState } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { fieldInfo } from './fields.js';

export interface ColumnChooserProps {
  readonly names: readonly string[];
  readonly chosen: readonly string[];
  readonly graph: GraphJson;
  readonly onChange: (columns: readonly string[]) => void;
}

/** More are not asked for at once. */
const MOST = 40;

/** Which fields the table has as columns, by module. */
export function ColumnChooser({ names, chosen, graph, onChange }: ColumnChooserProps): ReactNode {
  const id = useId();
  const [search, setSearch] = useState('');
  const parts = useMemo(() => {
    const grouped = new Map<string, string[]>();
    for (const name of new Set([...names, ...chosen])) {
      if (!name.toLowerCase().includes(search.trim().toLowerCase())) continue;
      const [part = ''] = name.split('.');
      grouped.set(part, [...(grouped.get(part) ?? []), name]);
    }
    return [...grouped];
  }, [names, chosen, search]);
  const toggle = (name: string): void =>
    onChange(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <details className="chooser">
      <summary>
        Columns <small>{chosen.length} chosen</small>
      </summary>
      <div className="chooser-body">
        <div className="field">
          <label htmlFor={`${id}-search`}>Find a field</label>
          <input
            id={`${id}-search`}
            type="search"
            value={search}
            autoComplete="off"
            onChange={(change) => setSearch(change.target.value)}
          />
        </div>
        {parts.length === 0 && <p className="none">No field has this name.</p>}
        {parts.map(([part, fields]) => (
          <fieldset key={part}>
            <legend>{part}</legend>
            {fields.map((name) => {
              const { label, description, unit } = fieldInfo(name, graph);
              const isChosen = chosen.includes(name);
              return (
                <label key={name} className="choice" title={description}>
                  <input
                    type="checkbox"
                    checked={isChosen}
                    disabled={!isChosen && chosen.length >= MOST}
                    onChange={() => toggle(name)}
                  />
                  <span>
                    {label} {unit && <small>{unit}</small>}
                  </span>
                </label>
              );
            })}
          </fieldset>
        ))}
      </div>
    </details>
  );
}
