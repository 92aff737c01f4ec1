import type { ReactNode } from 'react';
import type { ModuleJson } from '../api/shapes.js';
import { Chip } from '../states/chip.js';
import { Elapsed, Moment } from '../states/time.js';
import { toneOf } from '../states/tone.js';

export interface ModuleCardProps {
  readonly name: string;
  readonly module: ModuleJson;
  /** The node's own stable name, where it is known. */
  readonly instance: string | undefined;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
  readonly maxAttempts: number | undefined;
  /** The iteration whose outputs feed it too. */
  readonly parent: number | undefined;
  readonly selected: boolean;
  readonly onSelect: () => void;
}

/** One module of a task: a button that opens it. */
export function ModuleCard(props: ModuleCardProps): ReactNode {
  const { name, module, selected, onSelect } = props;
  const tone = toneOf(module.state);
  const busy = tone.tone === 'busy';
  return (
    <button type="button" className={`card tone-${tone.tone}`} aria-pressed={selected} onClick={onSelect}>
      <span className="card-name">{name}</span>
      <span className="card-state">
        <Chip tone={tone}>{module.state}</Chip>
        {busy && module.progress !== null && (
          <span className="figure">{Math.round(module.progress * 100)} %</span>
        )}
        {module.started_at !== null && module.state !== 'waiting' && (
          <span className="figure card-time">
            <Elapsed since={module.started_at} until={module.finished_at ?? props.asOf ?? null} />
          </span>
        )}
      </span>
      <span className="card-note">
        <CardNote {...props} />
      </span>
      {busy && (
        <span
          className={module.progress === null ? 'bar bar-unknown' : 'bar'}
          style={{ '--done': module.progress ?? 0 } as React.CSSProperties}
        />
      )}
    </button>
  );
}

function CardNote({ module, instance, maxAttempts, parent }: ModuleCardProps): ReactNode {
  const attempt = attemptText(module, maxAttempts);
  if (module.state === 'failed' && module.error) return module.error.message;
  if (module.state === 'waiting' || module.state === 'skipped') {
    return (
      <>
        {attempt && <b>{attempt} · </b>}
        {module.waiting_reason}
        {module.retry_at && (
          <>
            {' · again at '}
            <Moment at={module.retry_at} />
          </>
        )}
      </>
    );
  }
  if (module.reused_from) return `output of iteration ${module.reused_from.iteration_id}`;
  return (
    <>
      {attempt && <b>{attempt} · </b>}
      {instance ?? (module.node_id === null ? '' : `node ${module.node_id.slice(-6)}`)}
      {parent !== undefined && <span className="card-parent"> · with iteration {parent}</span>}
      {module.overridden.length > 0 && <span> · another {module.overridden.join(', ')}</span>}
    </>
  );
}

/** Only what is worth saying: the first attempt goes without. */
function attemptText(module: ModuleJson, maxAttempts: number | undefined): string | undefined {
  const over = module.finished_at !== null && module.state !== 'waiting';
  const current = over ? module.attempts : module.attempts + 1;
  if (current < 2) return undefined;
  return maxAttempts === undefined ? `attempt ${current}` : `attempt ${current} of ${maxAttempts}`;
}
