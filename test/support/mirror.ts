/**
 * A second state, which is told the facts of each batch and nothing else. What they make of it is all that the batch may write, payloads aside: the row
 * is the fold of its facts.
 *
 * M1. It takes no part in a restart, so what a row loses on its way to memory and back shows here.
 * M2. What lazy facts say is written with the next row only: after a restart it is as that row has it.
 */
import { type Fact, LAZY } from '../../src/model/facts.js';
import { apply } from '../../src/model/fold.js';
import { Journal } from '../../src/orchestrator/core/journal.js';
import { writeFact, writeRows } from '../../src/orchestrator/core/rows.js';
import { State } from '../../src/orchestrator/core/state.js';
import { problemIn } from '../../src/orchestrator/core/tasks/problem.js';
import { executionFromRow } from '../../src/orchestrator/tables/execution-row.js';
import type { NodeRow } from '../../src/orchestrator/tables/node-row.js';
import { nodeFromRow } from '../../src/orchestrator/tables/node-row.js';
import type { ProblemRow } from '../../src/orchestrator/tables/problem-row.js';
import { problemFromRow } from '../../src/orchestrator/tables/problem-row.js';
import { decodeRow } from '../../src/orchestrator/tables/row.js';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import type { Key, Table, Write } from '../../src/store/store.js';

export class Mirror {
  readonly #state = new State();
  /** As facts have made them: by table and key. */
  readonly #rows = new Map<string, Uint8Array>();
  /** Problems by their names: those without unfinished iterations are in no memory. */
  readonly #problems = new Map<string, ProblemRow>();

  /** Folds the facts of a sealed batch of the process with that state. Throws where it writes anything else than they make. */
  follow(process: State, { facts, writes }: Pick<Journal, 'facts' | 'writes'>): void {
    const state = this.#state;
    const told = new Journal(state.cursor, 0, state.undo);
    for (const { fact, seq, at } of facts) {
      told.wallMs = at;
      this.#prepare(process, told, fact);
      if (told.record(fact) !== seq) throw new Error(`${fact.type} has the number ${seq} in its batch`);
      const moment = { seq, at, nowMs: at, changed: told };
      apply(state, fact, moment);
      writeFact(state, told, fact, moment);
    }
    if (facts.some(({ fact }) => !LAZY.has(fact.type))) {
      writeRows(state, told);
      told.writeEvents();
    }
    state.undo.set(state, 'cursor', told.cursor);
    state.undo.keep();
    const [ours, theirs] = [
      told.writes,
      writes.filter(({ op, table }) => op === 'delete' || table !== 'payloads'),
    ];
    for (let at = 0; at < Math.max(ours.length, theirs.length); at += 1) {
      const [folded, written] = [ours[at], theirs[at]];
      if (isSame(folded, written)) continue;
      throw new Error(`a row is not the fold of its facts:\nfolded  ${say(folded)}\nwritten ${say(written)}`);
    }
    for (const write of ours) this.#keep(write);
  }

  /** The process is another one, which knows what is written. */
  restart(): void {
    const { undo, tasks, nodes } = this.#state;
    for (const task of tasks.values()) {
      const row = this.#row<TaskRow>('iterations', [task.id.problemId, task.id.iterationId]);
      for (const { spec, position } of task.graph.modules) {
        const executions = task.runs[position]?.executions ?? [];
        for (const [index, execution] of executions.entries()) {
          const stored = row.modules[spec.name]!.executions[index]!;
          const { progress, message, log } = executionFromRow(stored, task, position);
          undo.set(execution, 'progress', progress);
          undo.set(execution, 'message', message);
          undo.set(execution, 'log', log);
        }
      }
    }
    for (const node of nodes.values()) {
      const { status, error } = nodeFromRow(this.#row<NodeRow>('nodes', [node.nodeId]));
      undo.set(node, 'status', status);
      undo.set(node, 'error', error);
    }
    undo.keep();
  }

  /** What a process reads before it applies a fact. */
  #prepare(process: State, told: Journal, fact: Fact): void {
    const state = this.#state;
    if (fact.type === 'graph.stored') {
      state.addGraph(process.graph(fact.graph, fact.graph_version)!);
    } else if (fact.type === 'iteration.submitted' || fact.type === 'problem.changed') {
      if (state.problems.has(fact.problem_id)) return;
      const row = this.#problems.get(fact.problem_id);
      const problem = problemIn(state, told, fact.problem_id) ?? (row && problemFromRow(row));
      if (problem) state.undo.put(state.problems, fact.problem_id, problem);
    }
  }

  #keep(write: Write): void {
    if (write.op === 'delete') this.#rows.delete(nameOf(write));
    else this.#rows.set(nameOf(write), write.value);
    if (write.table !== 'problems' || write.op === 'delete') return;
    const row = decodeRow<ProblemRow>(write.value);
    this.#problems.set(row.problem_id, row);
  }

  #row<T>(table: Table, key: Key): T {
    return decodeRow<T>(this.#rows.get(nameOf({ table, key }))!);
  }
}

function nameOf({ table, key }: { readonly table: Table; readonly key: Key }): string {
  return `${table} ${JSON.stringify(key)}`;
}

function isSame(one: Write | undefined, other: Write | undefined): boolean {
  if (!one || !other || one.op !== other.op || nameOf(one) !== nameOf(other)) return false;
  return one.op === 'delete' || other.op === 'delete' || Buffer.compare(one.value, other.value) === 0;
}

function say(write: Write | undefined): string {
  if (!write) return 'nothing';
  return `${write.op} ${nameOf(write)} ${write.op === 'put' ? Buffer.from(write.value).toString() : ''}`;
}
