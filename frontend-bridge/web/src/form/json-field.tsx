import { type ReactNode, useState } from 'react';
import { printIndented, readExactly } from '../../../../src/base/json/exact.js';

export interface JsonFieldProps {
  readonly id: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly isInvalid: boolean;
}

/** Any value, typed as JSON. What is not JSON yet stays in the field and is not taken. */
export function JsonField({ id, value, onChange, isInvalid }: JsonFieldProps): ReactNode {
  const written = value === undefined ? '' : printIndented(value);
  const [typed, setTyped] = useState({ text: written, stands: written });
  const text = typed.stands === written ? typed.text : written;
  const parsed = parse(text);
  return (
    <>
      <textarea
        id={id}
        rows={2}
        className="grows code"
        spellCheck={false}
        value={text}
        aria-invalid={isInvalid || !parsed.ok}
        onChange={(change) => {
          const next = parse(change.target.value);
          const stands = next.ok ? (next.value === undefined ? '' : printIndented(next.value)) : written;
          setTyped({ text: change.target.value, stands });
          if (next.ok) onChange(next.value);
        }}
      />
      {!parsed.ok && <p className="faults">Not JSON yet: {parsed.message}</p>}
    </>
  );
}

function parse(text: string): { ok: true; value: unknown } | { ok: false; message: string } {
  if (text.trim() === '') return { ok: true, value: undefined };
  try {
    return { ok: true, value: readExactly(text) };
  } catch (thrown) {
    return { ok: false, message: (thrown as Error).message };
  }
}
