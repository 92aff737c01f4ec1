import { ControlButton, Controls, Panel, useReactFlow, useStore } from '@xyflow/react';
import { type ReactNode, useCallback, useEffect, useId } from 'react';
import { useShortcut } from '../shortcuts/shortcuts.js';
import type { Score } from './layout.js';

/** Below this zoom a card shows its name and its state only, in a size that can be read; below the other, its name. */
const FAR = 0.6;
const REMOTE = 0.36;
/** Around a module that was searched for, in the score's own units. */
const AROUND = 260;

export interface GraphSearch {
  readonly sought: string;
  readonly found: readonly string[];
  readonly onChange: (sought: string) => void;
  /** One of them is taken. */
  readonly onTake: (name: string) => void;
}

/** Keeps the whole score, its lines included, in the frame whenever the frame changes; and the tools to look closer. */
export function GraphFrame({ score, search }: { score: Score; search: GraphSearch | undefined }): ReactNode {
  const { fitBounds } = useReactFlow();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const host = useStore((state) => state.domNode);
  const zoom = useStore((state) => Math.round(state.transform[2] * 100) / 100);
  const frame = useCallback(() => void fitBounds(score.frame, { padding: 0 }), [fitBounds, score]);
  useEffect(() => {
    if (width > 0 && height > 0) frame();
  }, [frame, width, height]);
  useEffect(() => {
    host?.style.setProperty('--zoom', String(zoom));
    if (zoom < FAR) host?.setAttribute('data-far', zoom < REMOTE ? 'remote' : 'far');
    else host?.removeAttribute('data-far');
  }, [host, zoom]);
  const take = (name: string | undefined): void => {
    const place = score.places.find((one) => one.name === name);
    if (place === undefined || search === undefined) return;
    const { x, y } = place;
    void fitBounds(
      {
        x: x - AROUND,
        y: y - AROUND,
        width: place.width + 2 * AROUND,
        height: place.height + 2 * AROUND,
      },
      { duration: 200 },
    );
    search.onTake(place.name);
  };
  return (
    <>
      {/* Lying, they leave the card above them free in the lowest frame, too. */}
      <Controls showInteractive={false} showFitView={false} position="bottom-left" orientation="horizontal">
        <ControlButton onClick={frame} aria-label="Show the whole graph" title="Show the whole graph">
          <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path
              d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"
              fill="none"
              stroke="currentColor"
              strokeWidth="1.6"
            />
          </svg>
        </ControlButton>
      </Controls>
      {search && (
        <Panel position="top-left">
          <SearchField search={search} onTake={take} />
        </Panel>
      )}
    </>
  );
}

function SearchField(props: { search: GraphSearch; onTake: (name: string | undefined) => void }): ReactNode {
  const { search, onTake } = props;
  const id = useId();
  useShortcut('m', 'Find a module', () => document.getElementById(id)?.focus());
  return (
    <form
      className="graph-search"
      onSubmit={(event) => {
        event.preventDefault();
        onTake(search.found[0]);
      }}
    >
      <label className="unseen" htmlFor={id}>
        Find a module
      </label>
      <input
        id={id}
        type="search"
        autoComplete="off"
        placeholder="Find a module"
        value={search.sought}
        onChange={(change) => search.onChange(change.target.value)}
      />
      {search.sought !== '' && (
        <small role="status">
          {search.found.length === 0 ? 'none' : `${search.found.length}, Enter opens ${search.found[0]}`}
        </small>
      )}
    </form>
  );
}
