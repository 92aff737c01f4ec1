import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { problemsQuery } from '../api/queries.js';
import { SelectionLink } from '../selection-link.js';
import { formatSelection } from '../state/selection.js';
import { Chip } from '../states/chip.js';
import { Moment } from '../states/time.js';
import { toneOf } from '../states/tone.js';

/** The newest problems, newest first. */
export function ProblemList({ selected }: { selected: string | undefined }): ReactNode {
  const problems = useQuery(problemsQuery());
  const items = problems.data?.view.items;
  return (
    <section className="problems" aria-labelledby="problems-title">
      <h2 id="problems-title">Problems</h2>
      {items?.length === 0 && <p className="none">None yet. Submit the first one above.</p>}
      {!items && <p className="none">{problems.isError ? problems.error.message : 'Reading …'}</p>}
      <ul className="rows">
        {items?.map((problem) => (
          <li key={problem.problem_id}>
            <SelectionLink
              className="row"
              to={formatSelection({ problem: problem.problem_id })}
              current={problem.problem_id === selected}
            >
              <span className="row-title">{problem.title || `Problem ${problem.problem_id.slice(-6)}`}</span>
              <span className="row-facts">
                <Chip tone={toneOf(problem.state)}>{problem.state}</Chip>
                <span>{problem.graph}</span>
                {problem.newest_iteration_id > 1 && <span>iteration {problem.newest_iteration_id}</span>}
                <span className="figure">
                  <Moment at={problem.created_at} date />
                </span>
              </span>
            </SelectionLink>
          </li>
        ))}
      </ul>
    </section>
  );
}
