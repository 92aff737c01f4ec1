import { type ReactNode, useMemo, useState } from 'react';
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { isBytes, mediaTypeOf } from '../../../../src/model/media-type.js';
import { shortNumber } from '../../../../src/model/shown-numbers.js';
import { taskPath } from '../api/queries.js';
import { formatBytes } from '../display/amounts.js';
import { Chip } from '../display/chip.js';
import { moduleTone } from '../display/tone.js';
import { modulesOf, type OutputOf, outputAt, outputsOf } from '../graphs/outputs.js';
import { JsonValue } from '../json/value.js';
import { ValueView } from '../json/value-view.js';
import { SelectionLink } from '../selection-link.js';
import { contentOf, elsewhere } from '../values/content.js';
import { HeadingAbove } from '../values/heading-above.js';
import { Clip } from './clip.js';
import { Thumbnail } from './thumbnail.js';

/** So that the input and a result are in sight on a laptop: pixels. */
const RESULT_PX = 250;
/** Of a structure, its first fields tell what it is; the line ends where its room does. */
const BRIEF_FIELDS = 4;

/** Modules that no other one goes on from: their outputs are the result. */
export function resultModules(graph: GraphJson): string[] {
  const used = new Set(Object.values(graph.modules).flatMap(({ inputs }) => modulesOf(inputs)));
  return Object.keys(graph.modules).filter((name) => !used.has(name));
}

interface ResultOf extends OutputOf {
  readonly module: string;
}

/** What came of a task: one result as it is; several as a line each, so that all are in sight, and each opens where it stands. */
export function Results({ task, graph }: { task: TaskJson; graph: GraphJson }): ReactNode {
  const results = useMemo(
    () =>
      resultModules(graph).flatMap((module) =>
        outputsOf(module, graph.modules[module]!).map((output): ResultOf => ({ ...output, module })),
      ),
    [graph],
  );
  const [only] = results;
  if (only === undefined) return null;
  if (results.length === 1) {
    return (
      <section className="part" aria-label={`Result of ${only.module}`}>
        <h2>
          Result <ModuleLink task={task} module={only.module} />
        </h2>
        <HeadingAbove value={2}>
          <Result task={task} of={only} />
        </HeadingAbove>
      </section>
    );
  }
  return (
    <section className="part" aria-label="Results">
      <h2>
        Results <span className="part-count">{results.length}</span>
      </h2>
      <ul className="results">
        {results.map((result) => (
          <ResultLine key={result.reference} task={task} of={result} />
        ))}
      </ul>
    </section>
  );
}

function ModuleLink({ task, module }: { task: TaskJson; module: string }): ReactNode {
  const to = { problem: task.problem_id, iteration: task.iteration_id, at: undefined, module };
  return (
    <SelectionLink className="link part-link" to={to} current={false}>
      {module}
    </SelectionLink>
  );
}

function ResultLine({ task, of }: { task: TaskJson; of: ResultOf }): ReactNode {
  // What is not looked at is not read.
  const [wasOpened, setOpened] = useState(false);
  const { module, reference, type } = of;
  const value = outputAt(task, reference);
  return (
    <li>
      <details onToggle={() => setOpened(true)}>
        <summary>
          <h3 className="result-name">{reference}</h3>
          <span className="result-brief">
            <Brief task={task} of={of} />
          </span>
          {value !== null && <Thumbnail output={value} type={type} bytesAt={bytesAt(task, reference)} />}
        </summary>
        {wasOpened && (
          <div className="result-whole">
            <Result task={task} of={of} />
            <span className="result-more">
              in the panel of <ModuleLink task={task} module={module} />
            </span>
          </div>
        )}
      </details>
    </li>
  );
}

/** A result in a few words: its kind and size, its first fields, or why there is none. */
function Brief({ task, of }: { task: TaskJson; of: ResultOf }): ReactNode {
  const value = outputAt(task, of.reference);
  const brief = useMemo(() => briefOf(value, of.type), [value, of.type]);
  const module = task.modules[of.module];
  if (module === undefined) return null;
  if (value !== null || module.output !== null) return brief;
  return (
    <>
      <Chip tone={moduleTone(module)}>{module.state}</Chip> {module.error?.message}
    </>
  );
}

/** `image/png, 12 KiB`, `accuracy 0.9 · loss 0.03`, `12 items`, `all went well` */
export function briefOf(value: unknown, type: string): string {
  const content = contentOf(value, type);
  const size = content?.bytes.length ?? elsewhere(value)?.size;
  if (size !== undefined) return `${content?.mediaType ?? mediaTypeOf(type) ?? type}, ${formatBytes(size)}`;
  const structure = plainOf(value);
  if (structure === null || structure === undefined) return 'none';
  if (typeof structure === 'string') return structure;
  if (typeof structure !== 'object') return shortNumber(value);
  const entries = entriesOf(value as object);
  if (Array.isArray(structure)) return count(entries.length, 'item');
  const scalars = entries.filter(([, field]) => typeof plainOf(field) !== 'object' && field !== '');
  if (scalars.length === 0) return count(entries.length, 'field');
  const shown = scalars.slice(0, BRIEF_FIELDS).map(([name, field]) => `${name} ${wordOf(field)}`);
  return shown.join(' · ');
}

const wordOf = (scalar: unknown): string => (typeof scalar === 'string' ? scalar : shortNumber(scalar));
const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

function bytesAt({ problem_id, iteration_id }: TaskJson, reference: string): string {
  return `${taskPath(problem_id, iteration_id)}/outputs/${encodeURIComponent(reference)}`;
}

function Result({ task, of }: { task: TaskJson; of: ResultOf }): ReactNode {
  const { reference, type } = of;
  const module = task.modules[of.module];
  const value = outputAt(task, reference);
  if (module === undefined) return null;
  if (value !== null || module.output !== null) {
    return (
      <Clip height={RESULT_PX}>
        {isBytes(type) ? (
          <ValueView
            value={value}
            name={reference.replace('.', '-')}
            type={type}
            bytesAt={bytesAt(task, reference)}
          />
        ) : (
          <JsonValue value={value} />
        )}
      </Clip>
    );
  }
  return (
    <p className="result-none">
      <Chip tone={moduleTone(module)}>{module.state}</Chip>{' '}
      {module.error
        ? module.error.message
        : (module.waiting_reason ?? (module.finished_at ? 'It has no output.' : ''))}
    </p>
  );
}
