/** Colours for a terminal, and none for anything else or where `NO_COLOR` is set. */
import { styleText } from 'node:util';
import type { Io } from '../io.js';

export type Ink = 'green' | 'red' | 'yellow' | 'blue' | 'gray';
/** Colours a text, or leaves it as it is. */
export type Paint = (ink: Ink, text: string) => string;

export const plain: Paint = (_ink, text) => text;
const coloured: Paint = (ink, text) => styleText(ink, text, { validateStream: false });

export function paintOf({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Paint {
  const isTerminal = (stdout as { isTTY?: boolean }).isTTY === true;
  const isPlain = !isTerminal || env.TERM === 'dumb' || (env.NO_COLOR !== undefined && env.NO_COLOR !== '');
  return isPlain ? plain : coloured;
}
