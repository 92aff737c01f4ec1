import { type ReactNode, useState } from 'react';

/** A button that downloads, and says what went wrong. */
export function SaveButton({ label, save }: { label: string; save: () => Promise<void> }): ReactNode {
  const [fault, setFault] = useState<string>();
  return (
    <>
      <button
        type="button"
        className="quiet"
        onClick={() => {
          setFault(undefined);
          save().catch((thrown: Error) => setFault(thrown.message));
        }}
      >
        {label}
      </button>
      {fault && (
        <span className="fault" role="alert">
          {fault}
        </span>
      )}
    </>
  );
}
