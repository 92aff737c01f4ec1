/** One iteration of a problem, being worked on or ended. Written `<problem_id>/<iteration_id>`. */
export interface TaskId {
  readonly problemId: string;
  readonly iterationId: number;
}

export function formatTaskId(id: TaskId): string {
  return `${id.problemId}/${id.iterationId}`;
}

/** The task that `text` names, or nothing when it is not of the form `<problem_id>/<iteration_id>`. */
export function parseTaskId(text: string): TaskId | undefined {
  const match = /^([0-9a-f-]{36})\/([1-9][0-9]{0,8})$/.exec(text);
  return match?.[1] && match[2] ? { problemId: match[1], iterationId: Number(match[2]) } : undefined;
}
