import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';

export interface Editing {
  readonly isEditing: boolean;
  readonly begin: () => void;
  readonly end: () => void;
  /** The button that begins it: the focus comes back to it. */
  readonly opener: RefObject<HTMLButtonElement | null>;
}

/** Something that is edited where it stands. */
export function useEditing(): Editing {
  const [isEditing, setIsEditing] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (wasEditing.current && !isEditing) opener.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  const begin = useCallback(() => setIsEditing(true), []);
  const end = useCallback(() => setIsEditing(false), []);
  return { isEditing, begin, end, opener };
}
