import { type ReactNode, useId, useRef } from 'react';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { locate, placeInInput } from './input-faults.js';

export interface InputFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly faults: readonly FaultJson[];
}

/** A JSON text with its faults below it; each leads to its place in the text. */
export function InputField({ label, value, onChange, faults }: InputFieldProps): ReactNode {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const show = (fault: FaultJson): void => {
    const place = locate(value, fault.path);
    area.current?.focus();
    if (place) area.current?.setSelectionRange(place.start, place.end);
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        ref={area}
        rows={12}
        spellCheck={false}
        value={value}
        aria-invalid={faults.length > 0}
        aria-describedby={`${id}-faults`}
        onChange={(change) => onChange(change.target.value)}
      />
      <ul id={`${id}-faults`} className="faults">
        {faults.map((fault) => (
          <li key={`${fault.path} ${fault.message}`}>
            {placeInInput(fault.path) && (
              <button type="button" className="link" onClick={() => show(fault)}>
                {placeInInput(fault.path)}
              </button>
            )}{' '}
            {fault.message}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The faults of a plain field, below it. */
export function FieldFaults({ id, faults }: { id: string; faults: readonly FaultJson[] }): ReactNode {
  return (
    <ul id={id} className="faults">
      {faults.map((fault) => (
        <li key={`${fault.code} ${fault.message}`}>{fault.message}</li>
      ))}
    </ul>
  );
}
