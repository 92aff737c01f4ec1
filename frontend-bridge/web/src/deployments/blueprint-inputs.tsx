import { type ReactNode, useId } from 'react';
import { readExactly } from '../../../../src/base/json/exact.js';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { steps } from '../problems/input-faults.js';
import { FieldFaults } from '../problems/input-field.js';
import { type AskedInput, textOf } from './blueprint-form.js';

/** What is typed, by input; an input that is not touched is left out. */
export type Typed = Readonly<Record<string, string>>;

export interface BlueprintInputsProps {
  readonly inputs: readonly AskedInput[];
  readonly typed: Typed;
  readonly onChange: (typed: Typed) => void;
  /** Of a refusal, with paths like `/inputs/model`. */
  readonly faults: readonly FaultJson[];
}

/** A field for each input of a blueprint, with its default. */
export function BlueprintInputs({ inputs, typed, onChange, faults }: BlueprintInputsProps): ReactNode {
  return inputs.map((input) => (
    <InputOf
      key={input.name}
      input={input}
      text={typed[input.name] ?? textOf(input.type, input.default)}
      onChange={(text) => onChange({ ...typed, [input.name]: text })}
      faults={faults.filter(({ path }) => isAt(path, input.name))}
    />
  ));
}

function isAt(path: string, name: string): boolean {
  const [field, at] = steps(path);
  return field === 'inputs' && at === name;
}

interface InputOfProps {
  readonly input: AskedInput;
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly faults: readonly FaultJson[];
}

function InputOf({ input, text, onChange, faults }: InputOfProps): ReactNode {
  const id = useId();
  const { name, type, description, now } = input;
  const isRequired = input.default === undefined && now === undefined;
  const common = {
    id,
    value: text,
    placeholder: now,
    'aria-invalid': faults.length > 0,
    'aria-describedby': `${id}-help ${id}-faults`,
    onChange: ({ target }: { readonly target: { readonly value: string } }) => onChange(target.value),
  };
  return (
    <div className="field">
      <label htmlFor={id}>{name}</label>
      {type === 'boolean' ? (
        <select {...common}>
          {input.default === undefined && <option value="">{now ?? 'choose'}</option>}
          <option>true</option>
          <option>false</option>
        </select>
      ) : type === 'json' ? (
        <textarea {...common} rows={3} spellCheck={false} />
      ) : (
        <input {...common} autoComplete="off" inputMode={type === 'string' ? 'text' : 'decimal'} />
      )}
      <small id={`${id}-help`} className="help">
        {[
          type,
          isRequired && 'required',
          now !== undefined && 'stays as it is where nothing is given',
          description,
        ]
          .filter(Boolean)
          .join(' · ')}
      </small>
      <FieldFaults id={`${id}-faults`} faults={faults} />
    </div>
  );
}

/** The values that are sent. A text that is not of its type is sent as it is: the orchestrator says what is wrong with it. */
export function valuesOf(inputs: readonly AskedInput[], typed: Typed): Readonly<Record<string, unknown>> {
  const given = inputs.flatMap((input): [string, unknown][] => {
    const text = typed[input.name];
    if (text === undefined || (text === '' && (input.type !== 'string' || input.default === undefined)))
      return [];
    return [[input.name, input.type === 'string' ? text : parsed(text)]];
  });
  return Object.fromEntries(given);
}

function parsed(text: string): unknown {
  try {
    return readExactly(text);
  } catch {
    return text;
  }
}
