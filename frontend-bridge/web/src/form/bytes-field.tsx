import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { formatBytes } from '../display/amounts.js';
import { BYTES_LIMIT, fromBase64, textOf, toBase64 } from './bytes.js';

export interface BytesFieldProps {
  readonly id: string;
  /** Base64. */
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
  readonly isInvalid: boolean;
}

/** Bytes: a file, dropped or chosen, or a text that is typed. */
export function BytesField({ id, value, onChange, isInvalid }: BytesFieldProps): ReactNode {
  const chooser = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const [file, setFile] = useState<{ name: string; value: string }>();
  const [fault, setFault] = useState<string>();
  const bytes = fromBase64(value ?? '');
  const text = bytes && textOf(bytes);

  const take = async (chosen: File | undefined): Promise<void> => {
    if (!chosen) return;
    if (chosen.size > BYTES_LIMIT) {
      setFault(`${chosen.name} has ${formatBytes(chosen.size)}; at most ${formatBytes(BYTES_LIMIT)} fit.`);
      return;
    }
    setFault(undefined);
    const encoded = toBase64(new Uint8Array(await chosen.arrayBuffer()));
    setFile({ name: chosen.name, value: encoded });
    onChange(encoded);
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setIsOver(false);
    void take(event.dataTransfer.files[0]);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is the mouse's way; the button below is everybody's.
    <div
      className={isOver ? 'bytes bytes-over' : 'bytes'}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      {text === undefined ? (
        <p>{bytes ? 'Bytes that are not text.' : 'This is not base64.'}</p>
      ) : (
        <textarea
          id={id}
          rows={1}
          className="grows"
          spellCheck={false}
          placeholder="Drop a file here, choose one, or type a text."
          value={text}
          aria-invalid={isInvalid}
          onChange={(change) => {
            const typed = change.target.value;
            onChange(typed === '' ? undefined : toBase64(new TextEncoder().encode(typed)));
          }}
        />
      )}
      <p className="bytes-foot">
        <button type="button" className="small" onClick={() => chooser.current?.click()}>
          Choose a file
        </button>
        <input
          ref={chooser}
          type="file"
          hidden
          onChange={(change) => {
            void take(change.target.files?.[0]);
            change.target.value = '';
          }}
        />
        {bytes && bytes.length > 0 && (
          <>
            <span className="figure" role="status">
              {file && file.value === value && `${file.name}, `}
              {formatBytes(bytes.length)}
            </span>
            <button type="button" className="quiet" onClick={() => onChange(undefined)}>
              Remove
            </button>
          </>
        )}
      </p>
      {fault && (
        <p className="faults" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
