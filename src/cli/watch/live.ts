/** The board of a task, drawn over itself in a terminal for as long as the task runs. */
import { createLogUpdate } from 'log-update';
import type { StreamedEvent } from '../../client/follow.js';
import type { TaskAnswerJson } from '../../contract/iteration.js';
import type { TaskId } from '../../model/task-id.js';
import type { Client } from '../client.js';
import type { Io } from '../io.js';
import { type Paint, paintOf } from '../print/paint.js';
import { taskPath, waitForTask } from '../tasks/task.js';
import { advance, type Board, boardOf, type Course } from './board.js';
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
export function terminalOf(io: Pick<Io, 'stdout' | 'env'>): Terminal | undefined {
  const stdout = io.stdout as unknown as Partial<Terminal>;
  return stdout.isTTY === true && io.env.TERM !== 'dumb' && !io.env.CI
    ? (io.stdout as unknown as Terminal)
    : undefined;
}

/** Draws a task over itself until it has ended. Throws as `waitForTask`. */
export async function drawToEnd(
  client: Client,
  task: TaskId,
  terminal: Terminal,
  { env, signal }: Pick<Io, 'env' | 'signal'>,
): Promise<TaskAnswerJson> {
  const { value } = await client.get<TaskAnswerJson>(taskPath(task));
  const course = await courseOf(client, value);
  const board = new LiveBoard(terminal, env);
  board.show(value, course);
  try {
    const view = await waitForTask(client, task, signal, {
      onState: (state) => board.show(state, course),
      onEvent: (event) => board.take(event),
    });
    board.show(view, course);
    return view;
  } finally {
    board.close();
  }
}

/** The inputs of each module and the loops, from the graph of the task. */
async function courseOf(client: Client, view: TaskAnswerJson): Promise<Course> {
  const path = `/v1/graphs/${encodeURIComponent(String(view.graph))}/versions/${String(view.graph_version)}`;
  const { value } = await client.get<{
    modules: Record<string, { inputs: string[] }>;
    loops?: Course['loops'];
  }>(path);
  const inputs = Object.entries(value.modules).map(([name, { inputs }]) => [name, inputs]);
  return { inputs: Object.fromEntries(inputs), loops: value.loops ?? [] };
}

class LiveBoard {
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
  show(view: TaskAnswerJson, course: Course): void {
    this.#board = boardOf(view, course);
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
