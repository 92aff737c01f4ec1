import type { ReactNode } from 'react';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { shortNumber } from '../values/numbers.js';

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
  const text = Array.isArray(value) ? value.map(String).join(', ') : String(value);
  return text === '' ? <span className="none">empty</span> : <span title={text}>{text}</span>;
}

/** Beside a value that an iteration has taken over: nothing ran for it. */
export function ReusedMark(): ReactNode {
  return (
    <small className="reused-mark" title="Taken over from another iteration: nothing ran for it here">
      {' '}
      reused
    </small>
  );
}
