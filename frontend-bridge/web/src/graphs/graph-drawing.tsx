import { type ReactNode, useMemo } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { layOutWithin, loopLabel, loopTitle, type Place } from '../task/layout.js';
import { useFrame } from '../task/use-frame.js';
import { typesNote } from './outputs.js';

export interface GraphDrawingProps {
  readonly graph: GraphJson;
  /** Modules without a node. */
  readonly missing: ReadonlySet<string>;
}

/** A graph as it stands in its file: what each module goes on from, and the type that it gives. */
export function GraphDrawing({ graph, missing }: GraphDrawingProps): ReactNode {
  const [frame, size] = useFrame();
  const score = useMemo(() => layOutWithin(graph, size.width, size.height), [graph, size]);
  const { x, y, width, height } = score.frame;
  return (
    <div className="drawing" ref={frame}>
      <svg
        viewBox={`${x} ${y} ${width} ${height}`}
        style={{ maxWidth: width * 1.1, aspectRatio: `${width} / ${height}` }}
        role="img"
        aria-label={`Drawing of ${graph.name}: ${inWords(graph)}`}
      >
        {score.edges.map(({ from, to, path, isPrevious, loop }) => (
          <g key={`${from} ${to} ${isPrevious} ${loop !== undefined}`}>
            <path
              className={`drawn-edge${isPrevious ? ' drawn-previous' : ''}${loop ? ' drawn-loop' : ''}`}
              d={path}
            />
            {loop && (
              <text className="loop-label" x={loop.label.x} y={loop.label.y}>
                {loopLabel(loop)}
                <title>{loopTitle(from, to, loop)}</title>
              </text>
            )}
          </g>
        ))}
        {score.places.map((place) => (
          <Box
            key={place.name}
            place={place}
            note={
              place.name === graph.source.name ? graph.source.type : typesNote(graph.modules[place.name]!)
            }
            isSource={place.name === graph.source.name}
            isMissing={missing.has(place.name)}
          />
        ))}
      </svg>
    </div>
  );
}

function Box(props: { place: Place; note: string; isSource: boolean; isMissing: boolean }): ReactNode {
  const { place, note, isSource, isMissing } = props;
  const { name, x, y, width, height } = place;
  const kind = isSource ? ' drawn-source' : isMissing ? ' drawn-missing' : '';
  return (
    <g className={`drawn-place${kind}`} transform={`translate(${x} ${y})`}>
      <rect width={width} height={height} rx="7" />
      <foreignObject width={width} height={height}>
        <div className="drawn-text">
          <b>{name}</b>
          <span>{note.slice(note.lastIndexOf('.') + 1)}</span>
          {isMissing && <span>no node</span>}
        </div>
      </foreignObject>
    </g>
  );
}

function inWords(graph: GraphJson): string {
  return Object.entries(graph.modules)
    .map(([name, { inputs }]) => `${name} from ${inputs.join(', ')}`)
    .concat((graph.loops ?? []).map(({ from, to, until }) => `after ${from}, back to ${to} until ${until}`))
    .join('; ');
}
