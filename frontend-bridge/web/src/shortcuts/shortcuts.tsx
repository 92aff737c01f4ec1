/**
 * Keyboard shortcuts. A component declares its own keys (`useShortcut`); the list shows the shortcuts that work at the moment.
 * Keys that are typed into a field are the field's.
 */
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  use,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { tinykeys } from 'tinykeys';
import type { Shortcut } from './shortcut.js';

const ShortcutList = lazy(() => import('./shortcut-list.js'));

interface Registry {
  readonly add: (shortcut: Shortcut, run: () => void) => () => void;
  readonly showList: () => void;
}

const Shortcuts = createContext<Registry | undefined>(undefined);

export function ShortcutsProvider({ children }: { children: ReactNode }): ReactNode {
  const known = useRef(new Set<Shortcut>());
  const [shown, setShown] = useState<readonly Shortcut[]>();
  const registry = useMemo<Registry>(
    () => ({
      add(shortcut, run) {
        known.current.add(shortcut);
        const unbind = bind(shortcut.keys, run);
        return () => {
          known.current.delete(shortcut);
          unbind();
        };
      },
      showList: () => setShown([...known.current]),
    }),
    [],
  );
  useEffect(() => bind('?', registry.showList), [registry]);
  return (
    <Shortcuts value={registry}>
      {children}
      {shown && (
        <Suspense fallback={null}>
          <ShortcutList shortcuts={shown} onClose={() => setShown(undefined)} />
        </Suspense>
      )}
    </Shortcuts>
  );
}

/** `run` on these keys, as long as the caller is drawn and `isOn`. */
export function useShortcut(keys: string, words: string, run: () => void, isOn = true): void {
  const registry = use(Shortcuts);
  const latest = useRef(run);
  latest.current = run;
  useEffect(
    () => (isOn ? registry?.add({ keys, words }, () => latest.current()) : undefined),
    [registry, keys, words, isOn],
  );
}

/** Shows the list of those that hold now. */
export function useShortcutList(): () => void {
  const registry = use(Shortcuts);
  return () => registry?.showList();
}

function bind(keys: string, run: () => void): () => void {
  const act = (event: KeyboardEvent): void => {
    if (isTyped(event)) return;
    event.preventDefault();
    run();
  };
  // Where `?` and `/` are depends on the keyboard: with Shift on many.
  const spellings = /^[?/]$/.test(keys) ? [keys, `Shift+${keys}`] : [keys];
  return tinykeys(window, Object.fromEntries(spellings.map((spelling) => [spelling, act])));
}

function isTyped({ target, defaultPrevented }: KeyboardEvent): boolean {
  if (defaultPrevented || !(target instanceof HTMLElement)) return defaultPrevented;
  return target.isContentEditable || target.closest('input, textarea, select, dialog') !== null;
}
