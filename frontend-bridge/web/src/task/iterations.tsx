import type { ReactNode } from 'react';
import type { IterationJson } from '../api/shapes.js';
import { SelectionLink } from '../selection-link.js';
import { Sign } from '../states/chip.js';
import { toneOf } from '../states/tone.js';

export interface IterationsProps {
  readonly items: readonly IterationJson[];
  readonly selected: number;
  readonly module: string | undefined;
}

/** More than these are in the table of the iterations. */
const SHOWN = 24;

/** A problem's newest iterations in order, and the one that is shown, each with its state and what it goes on from. */
export function Iterations({ items, selected, module }: IterationsProps): ReactNode {
  const shown = items.filter((one, index) => index >= items.length - SHOWN || one.iteration_id === selected);
  return (
    <nav aria-label="Iterations">
      <ol className="iterations">
        {shown.map(({ problem_id, iteration_id, state, parent_iteration_id }) => (
          <li key={iteration_id}>
            <SelectionLink
              className={`iteration tone-${toneOf(state).tone}`}
              to={{ problem: problem_id, iteration: iteration_id, module }}
              current={iteration_id === selected}
            >
              <span className="iteration-number">{iteration_id}</span>
              <Sign glyph={toneOf(state).glyph} />
              <span>{state}</span>
              {parent_iteration_id !== null && <small>from {parent_iteration_id}</small>}
            </SelectionLink>
          </li>
        ))}
      </ol>
      <SelectionLink
        className="link"
        to={{ page: 'iterations', problem: items[0]?.problem_id }}
        current={false}
      >
        Table, charts and comparison of the iterations
      </SelectionLink>
    </nav>
  );
}
