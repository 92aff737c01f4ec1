import { type ReactNode, useId, useRef, useState } from 'react';

/** From the button and from the edges of the window, in pixels. */
const GAP = 6;

export interface PopoverProps {
  /** What the button says. */
  readonly button: ReactNode;
  /** The button's name where what it says is not enough. */
  readonly label?: string;
  readonly className?: string;
  /** Drawn only while it is open. */
  readonly children: () => ReactNode;
}

/** A button that opens a part of the page over the rest, of the browser's own kind: Escape and a click beside it close it. */
export function Popover({ button, label, className, children }: PopoverProps): ReactNode {
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const place = (shown: HTMLElement): void => {
    const at = opener.current?.getBoundingClientRect();
    if (at === undefined) return;
    const left = Math.min(at.left, window.innerWidth - shown.offsetWidth - GAP);
    shown.style.left = `${Math.max(GAP, left)}px`;
    shown.style.top = `${at.bottom + GAP}px`;
    shown.style.maxHeight = `${window.innerHeight - at.bottom - 2 * GAP}px`;
  };
  return (
    <>
      <button
        ref={opener}
        type="button"
        className={className}
        aria-label={label}
        aria-expanded={isOpen}
        popoverTarget={id}
      >
        {button}
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the links inside act; this closes behind them. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above. */}
      <div
        id={id}
        popover="auto"
        className="popover"
        onToggle={(toggle) => {
          setIsOpen(toggle.newState === 'open');
          if (toggle.newState === 'open') {
            const shown = toggle.currentTarget;
            // Once what is in it has been drawn.
            requestAnimationFrame(() => place(shown));
          }
        }}
        onClick={(click) => {
          if (click.target instanceof Element && click.target.closest('a') !== null)
            click.currentTarget.hidePopover();
        }}
      >
        {isOpen && children()}
      </div>
    </>
  );
}
