/** The requests of the demonstration: the problem, again with a lower footprint, and the footprint in other places. */
import type { Client } from '../client.js';
import type { Io } from '../io.js';
import { waitForTask } from '../tasks/task.js';
import { drawToEnd, type Terminal } from '../watch/live.js';
import type { Bar } from './chart.js';
import { footprints, type SolvedIteration } from './results.js';

export type UserInput = Readonly<Record<string, unknown>>;

export interface Show {
  readonly client: Client;
  /** Tasks are drawn in it as they run. @default nothing is shown before their end */
  readonly terminal: Terminal | undefined;
  readonly io: Pick<Io, 'env' | 'signal'>;
  readonly say: (text: string) => void;
}

/** Electricity from much coal to hardly any. */
const PLACES = ['India', 'Poland', 'Germany', 'France', 'Norway'];
/** The modules that do not depend on the place. */
const REUSED = ['ml_model_metadata', 'app_requirements', 'hw_constraints', 'ml_model', 'hw_resources'];

/** Both iterations, or the first one only where that failed. */
export async function solveAndImprove(
  show: Show,
  input: UserInput,
): Promise<{ readonly problemId: string; readonly iterations: readonly SolvedIteration[] }> {
  const title = String(input.problem_short_description);
  show.say(`\nProblem: ${title}\n`);
  const body = { graph: 'sustainml', title, input };
  const { problem_id: problemId } = (await show.client.post('/v1/problems', body)) as {
    readonly problem_id: string;
  };
  const first = await solved(show, problemId, 1);
  if (first.state !== 'succeeded') return { problemId, iterations: [first] };
  if (show.terminal) show.say('\nOnce more, with a lower footprint:\n');
  const greener = { ...input, optimize_carbon_footprint_manual: true, previous_iteration: 1 };
  const second = await iterate(show, problemId, { parent_iteration_id: 1, input: greener });
  if (show.terminal) show.say('');
  return { problemId, iterations: [first, second] };
}

/** The footprints as bars: those of both iterations where the user is, and of the second one in other places. */
export async function elsewhere(
  show: Show,
  problemId: string,
  input: UserInput,
  iterations: readonly SolvedIteration[],
): Promise<readonly Bar[]> {
  const here = String(input.geo_location_region);
  const [before, after] = footprints(iterations);
  const bars: Bar[] = [
    { label: `1  ${here}`, value: before! },
    { label: `2  ${here}, greener`, value: after! },
  ];
  for (const place of PLACES) {
    const moved = { ...input, geo_location_continent: '', geo_location_region: place };
    const iteration = await iterate({ ...show, terminal: undefined }, problemId, {
      parent_iteration_id: 2,
      reuse: REUSED,
      input: moved,
    });
    const [value] = footprints([iteration]);
    if (value !== undefined) bars.push({ label: `${iteration.iteration_id}  ${place}, greener`, value });
  }
  return bars;
}

async function iterate(
  show: Show,
  problemId: string,
  body: Readonly<Record<string, unknown>>,
): Promise<SolvedIteration> {
  const begun = await show.client.post(`/v1/problems/${problemId}/iterations`, body);
  return solved(show, problemId, Number(begun.iteration_id));
}

/** The iteration once it has ended. */
async function solved(
  { client, terminal, io }: Show,
  problemId: string,
  iterationId: number,
): Promise<SolvedIteration> {
  const task = { problemId, iterationId };
  const view = terminal
    ? await drawToEnd(client, task, terminal, io)
    : await waitForTask(client, task, io.signal);
  return view as unknown as SolvedIteration;
}
