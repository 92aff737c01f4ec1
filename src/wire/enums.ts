/** The enums of `tutti.v1` as the model's string unions, and the proof that neither side has a value that the other lacks. */
import { CLUSTER_TYPES, type ClusterType } from '../model/cluster.js';
import { NODE_CMDS, NODE_STATUSES, type NodeCmd, type NodeStatus } from '../model/node.js';
import { type HeldState, LOG_LEVELS, type LogLevel, REPORT_STATES } from '../model/protocol.js';
import { KEEPS, type Keep, RESULT_SOURCES, type ResultSource } from '../model/run.js';
import { TASK_CMDS, type TaskCmd } from '../model/task-state.js';
import { invalid } from './fields.js';
import { tutti } from './generated/tutti.js';

type Agrees<Proto, Prefix extends string, Word extends string> = [
  Exclude<keyof Proto, `${Prefix}_UNSPECIFIED`>,
] extends [`${Prefix}_${Uppercase<Word>}`]
  ? [`${Prefix}_${Uppercase<Word>}`] extends [keyof Proto]
    ? true
    : false
  : false;
type Proven<Proofs extends readonly true[]> = Proofs;

/** Does not compile when an enum of the proto and a union of the model differ. */
export type EnumsAgree = Proven<
  [
    Agrees<typeof tutti.v1.NodeStatus, 'NODE_STATUS', NodeStatus>,
    Agrees<typeof tutti.v1.NodeCmd, 'NODE_CMD', NodeCmd>,
    Agrees<typeof tutti.v1.TaskCmd, 'TASK_CMD', TaskCmd>,
    Agrees<typeof tutti.v1.ExecutionState, 'EXECUTION_STATE', HeldState>,
    Agrees<typeof tutti.v1.LogLevel, 'LOG_LEVEL', LogLevel>,
    Agrees<typeof tutti.v1.ClusterType, 'CLUSTER_TYPE', ClusterType>,
    Agrees<typeof tutti.v1.RunResult, 'RUN_RESULT', ResultSource>,
    Agrees<typeof tutti.v1.RunKeep, 'RUN_KEEP', Keep>,
  ]
>;

/** One enum: its words by number and its numbers by word. */
export interface EnumTable<Word extends string> {
  readonly expected: string;
  readonly words: readonly (Word | undefined)[];
  readonly numbers: Readonly<Record<Word, number>>;
}

function table<Word extends string>(
  prefix: string,
  words: readonly Word[],
  proto: Readonly<Record<string, unknown>>,
): EnumTable<Word> {
  const numbers = {} as Record<Word, number>;
  const byNumber: (Word | undefined)[] = [];
  for (const word of words) {
    const number = proto[`${prefix}_${word.toUpperCase()}`] as number;
    numbers[word] = number;
    byNumber[number] = word;
  }
  const expected = `one of ${words.map((word) => `${prefix}_${word.toUpperCase()}`).join(', ')}`;
  return { expected, words: Array.from(byNumber), numbers };
}

const HELD_STATES: readonly HeldState[] = [...REPORT_STATES, 'SUCCEEDED'];

export const nodeStatus: EnumTable<NodeStatus> = table('NODE_STATUS', NODE_STATUSES, tutti.v1.NodeStatus);
export const nodeCmd: EnumTable<NodeCmd> = table('NODE_CMD', NODE_CMDS, tutti.v1.NodeCmd);
export const taskCmd: EnumTable<TaskCmd> = table('TASK_CMD', TASK_CMDS, tutti.v1.TaskCmd);
export const heldState: EnumTable<HeldState> = table('EXECUTION_STATE', HELD_STATES, tutti.v1.ExecutionState);
export const logLevel: EnumTable<LogLevel> = table('LOG_LEVEL', LOG_LEVELS, tutti.v1.LogLevel);
export const clusterType: EnumTable<ClusterType> = table('CLUSTER_TYPE', CLUSTER_TYPES, tutti.v1.ClusterType);
export const runResult: EnumTable<ResultSource> = table('RUN_RESULT', RESULT_SOURCES, tutti.v1.RunResult);
export const runKeep: EnumTable<Keep> = table('RUN_KEEP', KEEPS, tutti.v1.RunKeep);

/** The word for a number that came over the wire; `…_UNSPECIFIED` and numbers of a newer peer are refused. */
export function word<Word extends string>(
  field: string,
  { words, expected }: EnumTable<Word>,
  number: number | null | undefined,
): Word {
  return words[number ?? 0] ?? invalid(field, number ?? 0, expected);
}
