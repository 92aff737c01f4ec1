/** A job, as `/v1/jobs` shows it. */
import type { JobState } from '../model/job.js';
import type { ErrorJson } from './answer.js';
import type { ListedIterationJson, ModuleAnswerJson } from './iteration.js';

/** One run of a script. */
export interface JobJson {
  readonly job_id: string;
  readonly task_id: string;
  readonly name: string;
  readonly cluster: string | null;
  readonly job_type: string | null;
  readonly project: string;
  readonly state: JobState;
  readonly exit_code: number | null;
  readonly engine_id: string | null;
  readonly submitted_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly error: ErrorJson | null;
}

/** The iteration that a job is made of, as the orchestrator lists it. */
export interface JobIterationJson extends ListedIterationJson {
  readonly title: string;
  readonly project: string;
  /** Without the script; of a large one its blob. */
  readonly input: unknown;
  readonly modules: Readonly<Record<string, Omit<ModuleAnswerJson, 'output'>>>;
}
