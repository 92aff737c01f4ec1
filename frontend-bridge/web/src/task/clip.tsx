import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';

/** What is long begins cut, with a button to see all of it. */
export function Clip({ height, children }: { height: number; children: ReactNode }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [isLong, setIsLong] = useState(false);
  const [isOpen, setIsOpen] = useState(false);
  useLayoutEffect(() => {
    const content = box.current?.firstElementChild;
    if (!content) return;
    const look = (): void => setIsLong(content.scrollHeight > height + 24);
    look();
    const watched = new ResizeObserver(look);
    watched.observe(content);
    return () => watched.disconnect();
  }, [height]);
  const isCut = isLong && !isOpen;
  return (
    <>
      <div
        ref={box}
        className={isCut ? 'clip clip-cut' : 'clip'}
        style={isCut ? { maxHeight: height } : undefined}
      >
        <div>{children}</div>
      </div>
      {isLong && (
        <button type="button" className="quiet clip-more" onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Show less' : 'Show all of it'}
        </button>
      )}
    </>
  );
}
