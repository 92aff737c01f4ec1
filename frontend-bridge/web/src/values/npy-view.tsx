import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import type { Content } from './content.js';
import { DataTable } from './data-table.js';
import { Hex } from './hex.js';
import { type NpyArray, readNpy, type Statistics, statisticsOf } from './npy.js';
import { Sparkline } from './sparkline.js';

/** Larger pictures are drawn from every second, third, … number. */
const MOST_PIXELS = 512;
const SMALLEST_SIDE_PX = 160;
const MOST_COLUMNS = 200;

/** An array of numpy's: what it is, what is in it, and how it looks. */
export default function NpyView({ content, name }: { content: Content; name: string }): ReactNode {
  const array = useMemo(() => readNpy(content.bytes), [content]);
  const statistics = useMemo(() => array && statisticsOf(array.numbers), [array]);
  if (array === undefined || statistics === undefined) return <Hex bytes={content.bytes} />;
  const { shape, dtype, numbers } = array;
  const facts: readonly (readonly [string, string])[] = [
    ['shape', shape.length === 0 ? 'one number' : shape.join(' × ')],
    ['dtype', dtype],
    ...factsOf(statistics),
  ];
  return (
    <div className="npy">
      <dl className="npy-facts">
        {facts.map(([fact, value]) => (
          <div key={fact}>
            <dt>{fact}</dt>
            <dd className="figure">{value}</dd>
          </div>
        ))}
      </dl>
      {shape.length === 1 && <Sparkline numbers={Array.from(numbers)} />}
      {shape.length >= 2 && numbers.length > 0 && (
        <Heatmap array={array} statistics={statistics} name={name} />
      )}
      {shape.length === 2 && shape[1]! <= MOST_COLUMNS && (
        <details>
          <summary>Numbers</summary>
          <DataTable label={name} data={tableOf(array)} />
        </details>
      )}
    </div>
  );
}

function factsOf({ count, finite, least, most, mean, deviation }: Statistics): [string, string][] {
  const lost: [string, string][] = count > finite ? [['not finite', String(count - finite)]] : [];
  if (finite === 0) return lost;
  return [
    ['least', formatNumber(least)],
    ['most', formatNumber(most)],
    ['mean', formatNumber(mean)],
    ['std', formatNumber(deviation)],
    ...lost,
  ];
}

function tableOf({ shape, numbers }: NpyArray): { columns: string[]; rows: number[][] } {
  const [height = 0, width = 0] = shape;
  return {
    columns: Array.from({ length: width }, (_, at) => String(at)),
    rows: Array.from({ length: height }, (_, row) =>
      Array.from({ length: width }, (_, column) => numbers[row * width + column]!),
    ),
  };
}

/** The last two dimensions of the array, or three channels as colours; of further dimensions the first of each. */
function Heatmap({
  array,
  statistics,
  name,
}: {
  array: NpyArray;
  statistics: Statistics;
  name: string;
}): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { shape } = array;
  const isColour = shape.length === 3 && (shape[2] === 3 || shape[2] === 4);
  const [height, width] = (isColour ? shape.slice(0, 2) : shape.slice(-2)) as [number, number];
  const every = Math.max(1, Math.ceil(Math.max(height, width) / MOST_PIXELS));
  const [rows, columns] = [Math.ceil(height / every), Math.ceil(width / every)];
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(columns, rows);
    const channels = isColour ? shape[2]! : 1;
    const scale = isColour && statistics.most > 1 ? 255 : 1;
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const at = (row * every * width + column * every) * channels;
        const colour = isColour
          ? [0, 1, 2].map((channel) => (array.numbers[at + channel]! / scale) * 255)
          : colourOf((array.numbers[at]! - statistics.least) / (statistics.most - statistics.least || 1));
        image.data.set(
          [...colour, Number.isFinite(array.numbers[at]) ? 255 : 0],
          (row * columns + column) * 4,
        );
      }
    }
    context.putImageData(image, 0, 0);
  }, [array, statistics, isColour, shape, rows, columns, every, width]);
  const side = Math.max(1, Math.floor(SMALLEST_SIDE_PX / Math.max(rows, columns)));
  const note =
    shape.length > 2 && !isColour
      ? `the first ${height} × ${width} of ${shape.join(' × ')}`
      : `${height} × ${width}`;
  return (
    <figure className="picture">
      <canvas
        ref={canvas}
        width={columns}
        height={rows}
        style={{ width: columns * side }}
        role="img"
        aria-label={`${name} as a picture, ${note}`}
      />
      <figcaption className="value-note figure">{note}</figcaption>
    </figure>
  );
}

/** From dark to light by the stops of the colour map viridis, which people of any colour vision read in its order. */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;

function colourOf(share: number): readonly number[] {
  const at = Math.min(1, Math.max(0, share || 0)) * (STOPS.length - 1);
  const [low, high] = [STOPS[Math.floor(at)]!, STOPS[Math.ceil(at)]!];
  return low.map((value, channel) => value + (high[channel]! - value) * (at % 1));
}
