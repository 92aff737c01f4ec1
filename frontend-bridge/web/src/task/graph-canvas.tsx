/** A graph as a canvas of cards, and as a list of them. The caller says what stands on a card. */
import {
  BaseEdge,
  type Edge,
  type EdgeProps,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import { type ReactNode, useMemo, useState } from 'react';
import type { Tone } from '../display/tone.js';
import { GraphFrame } from './graph-frame.js';
import {
  type Direction,
  type Line,
  layOut,
  layOutWithin,
  loopLabel,
  loopTitle,
  type Place,
  relatives,
  type Shape,
} from './layout.js';
import { useFrame, wholeZoom } from './use-frame.js';

export interface GraphCards {
  readonly graph: Shape;
  readonly selected: string | undefined;
  readonly cardOf: (name: string) => ReactNode;
}

export interface GraphCanvasProps extends GraphCards {
  readonly toneOf: (name: string) => Tone['tone'];
  readonly onSelect: (name: string) => void;
  /** Whether what goes along a line has gone along it. */
  readonly isPassed: (line: Line) => boolean;
  /** Another number each time that something passes there. */
  readonly pulseOf?: (line: Line) => number | undefined;
}

/** A type and no interface: the library wants one that counts as a record. */
type CardData = {
  readonly direction: Direction;
  readonly isSource: boolean;
  /** It has to do with the module that is pointed at. */
  readonly isLit: boolean;
  readonly isFound: boolean;
  readonly tone: Tone['tone'];
  readonly card: ReactNode;
};
type CardNode = Node<CardData, 'card'>;
type PassingEdge = Edge<
  { path: string; loop: Line['loop']; isPrevious: boolean; className: string; pulse: number | undefined },
  'passing'
>;

/** With more modules than this, a map of the whole stands in a corner, and modules can be searched. */
const MANY = 14;

/** Wide screens. */
export function GraphCanvas(props: GraphCanvasProps): ReactNode {
  const { graph, selected, cardOf, toneOf } = props;
  const [frame, size] = useFrame();
  const score = useMemo(() => layOutWithin(graph, size.width, size.height), [graph, size]);
  const [pointed, setPointed] = useState<string>();
  const [sought, setSought] = useState('');
  const marked = pointed ?? selected;
  const lit = useMemo(() => (marked === undefined ? undefined : relatives(graph, marked)), [graph, marked]);
  const found = useMemo(() => findModules(graph, sought), [graph, sought]);
  const nodes = score.places.map(({ name, x, y, width, height }: Place): CardNode => {
    const data: CardData = {
      direction: score.direction,
      isSource: name === graph.source?.name,
      isLit: pointed === undefined || lit?.has(name) === true,
      isFound: found.includes(name),
      tone: toneOf(name),
      card: cardOf(name),
    };
    return { id: name, position: { x, y }, width, height, type: 'card', data };
  });
  const edges = score.edges.map((line) => toEdge(props, line, lit));
  const isLarge = score.places.length > MANY;
  return (
    <div
      className="canvas"
      ref={frame}
      style={{ aspectRatio: `${score.frame.width} / ${score.frame.height}` }}
      data-large={isLarge}
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        minZoom={wholeZoom(score)}
        maxZoom={1.25}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        zoomOnDoubleClick={false}
        onNodeMouseEnter={(_event, node) => setPointed(node.id)}
        onNodeMouseLeave={() => setPointed(undefined)}
        aria-label={`Graph of ${graph.name}`}
      >
        <GraphFrame
          score={score}
          search={isLarge ? { sought, found, onChange: setSought, onTake: props.onSelect } : undefined}
        />
        {isLarge && (
          <MiniMap
            pannable
            zoomable
            position="bottom-right"
            ariaLabel="Map of the graph"
            nodeClassName={(node) => `mini tone-${(node as CardNode).data.tone}`}
          />
        )}
      </ReactFlow>
    </div>
  );
}

export interface GraphListProps extends GraphCards {
  /** How a card stands to those that it names. */
  readonly word: 'from' | 'after';
  readonly panel: ReactNode;
}

/** The same as a list in playing order, the panel below the one that it belongs to: narrow screens. */
export function GraphList(props: GraphListProps): ReactNode {
  const { graph, selected, cardOf, word, panel } = props;
  const score = useMemo(() => layOut(graph), [graph]);
  return (
    <ol className="score-list">
      {score.places.map(({ name }) => (
        <li key={name}>
          {cardOf(name)}
          <Before graph={graph} name={name} word={word} />
          {selected === name && panel}
        </li>
      ))}
    </ol>
  );
}

function Before(props: { graph: Shape; name: string; word: string }): ReactNode {
  const { graph, name, word } = props;
  const inputs = name === graph.source?.name ? [] : (graph.modules[name]?.inputs ?? []);
  if (inputs.length === 0) return null;
  return (
    <p className="score-inputs">
      {word} {inputs.join(', ')}
    </p>
  );
}

function findModules(graph: Shape, sought: string): readonly string[] {
  const part = sought.trim().toLowerCase();
  if (part === '') return [];
  return Object.keys(graph.modules).filter((name) => name.toLowerCase().includes(part));
}

function toEdge(
  { isPassed, pulseOf }: GraphCanvasProps,
  line: Line,
  lit: ReadonlySet<string> | undefined,
): PassingEdge {
  const { from, to, path, isPrevious, loop } = line;
  const isLit = lit?.has(from) === true && lit.has(to) && !isPrevious;
  const classes = [
    'edge',
    isPrevious && 'edge-previous',
    loop && 'edge-loop',
    isPassed(line) && 'edge-passed',
    isLit && 'edge-lit',
  ];
  const className = classes.filter(Boolean).join(' ');
  return {
    id: `${from}→${to}${loop ? ' loop' : isPrevious ? ' previous' : ''}`,
    type: 'passing',
    source: from,
    target: to,
    data: { path, loop, isPrevious, className, pulse: pulseOf?.(line) },
  };
}

const ENDS: Readonly<Record<Direction, { readonly in: Position; readonly out: Position }>> = {
  across: { in: Position.Left, out: Position.Right },
  down: { in: Position.Top, out: Position.Bottom },
};

function CardNodeView({ data }: NodeProps<CardNode>): ReactNode {
  const { direction, isSource, isLit, isFound, card } = data;
  return (
    <div className={`place${isLit ? '' : ' place-dim'}${isFound ? ' place-found' : ''}`}>
      {!isSource && <Handle type="target" position={ENDS[direction].in} isConnectable={false} />}
      {card}
      <Handle type="source" position={ENDS[direction].out} isConnectable={false} />
    </div>
  );
}

function PassingEdgeView(props: EdgeProps<PassingEdge>): ReactNode {
  const { path = '', className = 'edge', isPrevious = false, loop, pulse } = props.data ?? {};
  return (
    <g>
      {isPrevious && <title>{`${props.source} of the parent iteration, for ${props.target}`}</title>}
      {loop && <title>{loopTitle(props.source, props.target, loop)}</title>}
      <BaseEdge id={props.id} path={path} className={className} />
      {loop && (
        <text className="loop-label" x={loop.label.x} y={loop.label.y}>
          {loopLabel(loop)}
        </text>
      )}
      {pulse !== undefined && <path key={pulse} className="edge-pulse" d={path} pathLength={1} />}
    </g>
  );
}

const NODE_TYPES = { card: CardNodeView };
const EDGE_TYPES = { passing: PassingEdgeView };
