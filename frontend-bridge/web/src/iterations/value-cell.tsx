import type { ReactNode } from 'react';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { shortNumber } from '../../../../src/model/shown-numbers.js';
import { numbersIn } from '../values/lists.js';
import { Sparkline } from '../values/sparkline.js';

const FIRST_ITEMS = 6;

/** A value as a cell shows it: a number as it was written, a text that is too long for the cell on hover. */
export function ValueCell({ value, unit }: { value: unknown; unit?: string | undefined }): ReactNode {
  if (value === undefined || value === null) return <span className="none">–</span>;
  if (typeof plainOf(value) === 'number') {
    const short = shortNumber(value);
    return (
      <span className="figure" title={short === String(value) ? undefined : String(value)}>
        {short}
        {unit && <small> {unit}</small>}
      </span>
    );
  }
  const numbers = numbersIn(value);
  if (numbers) return <Sparkline numbers={numbers} small />;
  const text = Array.isArray(value) ? listed(value) : String(value);
  return text === '' ? <span className="none">empty</span> : <span title={text}>{text}</span>;
}

/** The first items, and how many more there are. */
function listed(items: readonly unknown[]): string {
  const first = items.slice(0, FIRST_ITEMS).map((item) => shortNumber(item));
  const rest = items.length - first.length;
  return rest > 0 ? `${first.join(', ')} and ${rest} more` : first.join(', ');
}

/** Beside a value that an iteration has taken over: nothing ran for it. */
export function ReusedMark(): ReactNode {
  return (
    <small className="reused-mark" title="Reused from another iteration; it did not run here">
      {' '}
      reused
    </small>
  );
}
