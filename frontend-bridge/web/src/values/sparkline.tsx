import type { ReactNode } from 'react';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { statisticsOf } from './npy.js';

const WIDTH = 320;
const HEIGHT = 56;
const MARGIN = 3;
/** More points than pixels are drawn as the least and the most of each pixel. */
const MOST_POINTS = WIDTH * 2;

/** A list of numbers as a line. What it shows is said in words too. */
export function Sparkline({
  numbers,
  small = false,
}: {
  numbers: readonly number[];
  small?: boolean;
}): ReactNode {
  const { least, most, mean, finite, count } = statisticsOf(numbers);
  const lost = count - finite;
  const words = [
    `${count} numbers`,
    ...(finite > 0 ? [`${formatNumber(least)} to ${formatNumber(most)}`, `mean ${formatNumber(mean)}`] : []),
    ...(lost > 0 ? [`${lost} not finite`] : []),
  ].join(', ');
  return (
    <span className={small ? 'sparkline sparkline-small' : 'sparkline'}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <path d={lineOf(numbers, least, most)} vectorEffect="non-scaling-stroke" />
      </svg>
      {!small && <small className="figure">{words}</small>}
    </span>
  );
}

/** A path with a gap wherever a number is not finite. */
export function lineOf(numbers: readonly number[], least: number, most: number): string {
  const points = thinned(numbers);
  const step = (WIDTH - 2 * MARGIN) / Math.max(1, points.length - 1);
  const range = most - least || 1;
  let path = '';
  let isDown = false;
  for (const [index, number] of points.entries()) {
    if (!Number.isFinite(number)) {
      isDown = false;
      continue;
    }
    const x = (MARGIN + index * step).toFixed(1);
    const y = (HEIGHT - MARGIN - ((number - least) / range) * (HEIGHT - 2 * MARGIN)).toFixed(1);
    path += `${isDown ? 'L' : 'M'}${x} ${y}`;
    isDown = true;
  }
  return path;
}

function thinned(numbers: readonly number[]): readonly number[] {
  if (numbers.length <= MOST_POINTS) return numbers;
  const size = numbers.length / WIDTH;
  return Array.from({ length: WIDTH }, (_, at) => {
    const { least, most, finite } = statisticsOf(
      numbers.slice(Math.floor(at * size), Math.floor((at + 1) * size)),
    );
    return finite === 0 ? [Number.NaN, Number.NaN] : [least, most];
  }).flat();
}
