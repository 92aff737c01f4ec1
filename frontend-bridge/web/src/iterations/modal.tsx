import { type ReactNode, useEffect, useRef } from 'react';

/** A dialog over the page, of the browser's own kind: it holds the focus, and Escape closes it. */
export function Modal(props: { label: string; onClose: () => void; children: ReactNode }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    if (shown && !shown.open) shown.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} className="modal" aria-label={props.label} onClose={props.onClose}>
      {props.children}
    </dialog>
  );
}
