import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react';
import { completionAt, faultPosition } from './filter-words.js';

export interface FilterBarProps {
  readonly text: string;
  /** What the search is refused with, where its filter is at fault. */
  readonly fault: string | undefined;
  readonly fields: readonly string[];
  readonly onSearch: (text: string) => void;
}

/** A filter to write, with what may come next and the place where it is at fault. */
export function FilterBar({ text, fault, fields, onSearch }: FilterBarProps): ReactNode {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(text);
  const [cursor, setCursor] = useState(text.length);
  const [chosen, setChosen] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const completion = completionAt(typed, cursor, fields);
  const words = isOpen ? completion.words : [];
  const position = fault === undefined || typed !== text ? undefined : faultPosition(fault);
  const take = (word: string): void => {
    const changed = `${typed.slice(0, completion.from)}${word} ${typed.slice(completion.to).trimStart()}`;
    const place = completion.from + word.length + 1;
    setTyped(changed);
    setCursor(place);
    setChosen(0);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(place, place);
    });
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && completion.words.length > 0) {
      event.preventDefault();
      setOpen(true);
      setChosen((chosen + step + completion.words.length) % completion.words.length);
    } else if (event.key === 'Tab' && words[chosen] !== undefined && typed.trim() !== '') {
      event.preventDefault();
      take(words[chosen]);
    } else if (event.key === 'Escape') setOpen(false);
    else if (event.key === 'Enter') {
      setOpen(false);
      onSearch(typed.trim());
    }
  };
  return (
    <div className="filter-bar">
      <label htmlFor={id}>Filter</label>
      <div className="filter-line">
        <input
          ref={input}
          id={id}
          type="text"
          role="combobox"
          aria-expanded={words.length > 0}
          aria-controls={`${id}-words`}
          aria-autocomplete="list"
          aria-activedescendant={words.length > 0 ? `${id}-${chosen}` : undefined}
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? undefined : `${id}-fault`}
          autoComplete="off"
          spellCheck={false}
          placeholder={'train.loss < 0.2 and state = "succeeded"'}
          value={typed}
          onChange={({ target }) => {
            setTyped(target.value);
            setCursor(target.selectionStart ?? target.value.length);
            setChosen(0);
            setOpen(true);
          }}
          onSelect={({ currentTarget }) => setCursor(currentTarget.selectionStart ?? typed.length)}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKey}
        />
        <button type="button" onClick={() => onSearch(typed.trim())}>
          Search
        </button>
        <div id={`${id}-words`} role="listbox" aria-label="Suggestions" hidden={words.length === 0}>
          {words.map((word, at) => (
            <button
              key={word}
              id={`${id}-${at}`}
              type="button"
              role="option"
              tabIndex={-1}
              aria-selected={at === chosen}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(word)}
            >
              {word}
            </button>
          ))}
        </div>
      </div>
      {fault !== undefined && (
        <div id={`${id}-fault`} className="fault" role="alert">
          {position !== undefined && <pre aria-hidden="true">{`${text}\n${' '.repeat(position - 1)}^`}</pre>}
          <p>{fault}</p>
        </div>
      )}
    </div>
  );
}
