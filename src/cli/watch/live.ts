/** The board of a task, drawn over itself in a terminal for as long as the task runs. */
import { createLogUpdate } from 'log-update';
import type { StreamedEvent } from '../../client/follow.js';
import type { Io } from '../io.js';
import { type Paint, paintOf } from '../paint.js';
import type { IterationView } from '../task.js';
import { advance, type Board, boardOf, type Inputs } from './board.js';
import { draw } from './draw.js';

/** Times and lights go on in between events. */
const REDRAW_MS = 200;
/** Of a terminal that does not say how wide it is. */
export const DEFAULT_WIDTH = 80;

/** As much of a terminal as is asked for. */
export interface Terminal extends NodeJS.WritableStream {
  readonly isTTY: true;
  readonly columns?: number;
}

/** The terminal that stdout is; nothing for a pipe, a file, and terminals that cannot go back over what they have shown. */
export function terminalOf(io: Io): Terminal | undefined {
  const stdout = io.stdout as unknown as Partial<Terminal>;
  return stdout.isTTY === true && io.env.TERM !== 'dumb' && !io.env.CI
    ? (io.stdout as unknown as Terminal)
    : undefined;
}

export class LiveBoard {
  readonly #terminal: Terminal;
  readonly #write: ReturnType<typeof createLogUpdate>;
  readonly #paint: Paint;
  #board: Board | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, env: Io['env']) {
    this.#terminal = terminal;
    this.#write = createLogUpdate(terminal as NodeJS.WriteStream);
    this.#paint = paintOf({ stdout: terminal as NodeJS.WriteStream, env });
  }

  /** The task as it is; what it shows from then on follows from events. */
  show(view: IterationView, inputs: Inputs): void {
    this.#board = boardOf(view, inputs);
    this.#draw();
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
  }

  take(event: StreamedEvent): void {
    this.#board = this.#board && advance(this.#board, event);
  }

  /** Leaves what was shown last where it is, and gives the cursor back. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#board) this.#draw();
    this.#write.done();
  }

  #draw(): void {
    if (this.#board === undefined) return;
    this.#write(draw(this.#board, Date.now(), this.#terminal.columns ?? DEFAULT_WIDTH, this.#paint));
  }
}
