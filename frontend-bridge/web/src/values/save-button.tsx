import { type ReactNode, useState } from 'react';

/** A button that downloads, and says what went wrong. */
export function SaveButton(props: { label: string; title?: string; save: () => Promise<void> }): ReactNode {
  const { label, title, save } = props;
  const [fault, setFault] = useState<string>();
  return (
    <>
      <button
        type="button"
        className="quiet"
        title={title}
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
