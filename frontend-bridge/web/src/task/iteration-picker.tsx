import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { plainOf } from '../../../../src/base/json/json-text.js';
import type { IterationJson } from '../../../../src/contract/iteration.js';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { iterationValuesQuery } from '../api/queries.js';
import { Sign } from '../display/chip.js';
import { Moment } from '../display/time.js';
import { taskTone } from '../display/tone.js';
import { Popover } from '../popover/popover.js';
import { SelectionLink } from '../selection-link.js';
import { useShortcut } from '../shortcuts/shortcuts.js';
import type { Select } from '../state/selection.js';

export interface IterationsProps {
  readonly items: readonly IterationJson[];
  readonly selected: number;
  readonly module: string | undefined;
  /** Fields of outputs that tell iterations apart: `MODULE.FIELD`. */
  readonly fields: readonly string[];
  /** Until it has been read, the picker stands elsewhere: a list that opened now would be gone with the next draw. */
  readonly isReading: boolean;
  readonly onSelect: Select;
}

/** More than these are in the table of the iterations. */
const SHOWN = 100;

/** Which iteration is shown: a step back, a step on, or any of the newest by its values. */
export function IterationPicker(props: IterationsProps): ReactNode {
  const { items, selected, module, fields, isReading, onSelect } = props;
  const at = items.findIndex((one) => one.iteration_id === selected);
  const shown = items[at];
  const [before, after] = [items[at - 1], items[at + 1]];
  const go = (to: IterationJson | undefined): void => {
    if (to) onSelect({ problem: to.problem_id, iteration: to.iteration_id, module });
  };
  useShortcut('[', 'Go to the previous iteration', () => go(before), before !== undefined);
  useShortcut(']', 'Go to the next iteration', () => go(after), after !== undefined);
  const parent = shown?.parent_iteration_id ?? null;
  const name = (
    <span>
      iteration {selected}
      {parent !== null && ` from ${parent}`}
    </span>
  );
  if (items.length < 2) return name;
  const place = (
    <>
      {name} <small>of {items.length}</small>
    </>
  );
  return (
    <nav aria-label="Iterations" className="picker">
      <Step to={before} module={module} word="before" sign="‹" />
      {isReading ? (
        <span className="picker-button">{place}</span>
      ) : (
        <Popover
          className="picker-button"
          button={
            <>
              {place} <span aria-hidden="true">▾</span>
            </>
          }
        >
          {() => <IterationList items={items} selected={selected} module={module} fields={fields} />}
        </Popover>
      )}
      <Step to={after} module={module} word="next" sign="›" />
      <SelectionLink
        className="link"
        to={{ page: 'iterations', problem: items[0]?.problem_id }}
        current={false}
        label="Compare: table, charts and comparison of the iterations"
      >
        Compare
      </SelectionLink>
    </nav>
  );
}

function Step(props: {
  to: IterationJson | undefined;
  module: string | undefined;
  word: string;
  sign: string;
}): ReactNode {
  const { to, module, word, sign } = props;
  if (to === undefined)
    return (
      <span className="picker-step picker-end" aria-hidden="true">
        {sign}
      </span>
    );
  return (
    <SelectionLink
      className="picker-step"
      to={{ problem: to.problem_id, iteration: to.iteration_id, module }}
      current={false}
    >
      <span className="unseen">
        {word}: iteration {to.iteration_id}
      </span>
      <span aria-hidden="true">{sign}</span>
    </SelectionLink>
  );
}

function IterationList(props: Omit<IterationsProps, 'isReading' | 'onSelect'>): ReactNode {
  const { items, selected, module, fields } = props;
  const [problem = ''] = items.map((one) => one.problem_id);
  const values = useQuery({
    ...iterationValuesQuery(problem, fields, items.length),
    enabled: fields.length > 0,
  });
  const shown = items
    .filter((one, index) => index >= items.length - SHOWN || one.iteration_id === selected)
    .toReversed();
  return (
    <ol className="picker-list">
      {shown.map(({ problem_id, iteration_id, state, standing = {}, parent_iteration_id, created_at }) => {
        const { tone, stillness } = taskTone(state, Object.values(standing));
        return (
          <li key={iteration_id}>
            <SelectionLink
              className={`picker-row tone-${tone.tone}`}
              to={{ problem: problem_id, iteration: iteration_id, module }}
              current={iteration_id === selected}
            >
              <span className="iteration-number">{iteration_id}</span>
              <Sign glyph={tone.glyph} />
              <span className="picker-state">
                {stillness ?? state}
                {parent_iteration_id !== null && <small> from {parent_iteration_id}</small>}
              </span>
              {fields.map((field) => (
                <span key={field} className="picker-value">
                  <small>{field.slice(field.lastIndexOf('.') + 1)}</small>{' '}
                  <span className="figure">{valueText(values.data?.get(iteration_id)?.[field])}</span>
                </span>
              ))}
              <small className="picker-time">
                <Moment at={created_at} date="always" />
              </small>
            </SelectionLink>
          </li>
        );
      })}
    </ol>
  );
}

function valueText(value: unknown): string {
  const plain = plainOf(value);
  if (plain === undefined || plain === null) return '–';
  return typeof plain === 'number' ? formatNumber(plain) : String(plain);
}
