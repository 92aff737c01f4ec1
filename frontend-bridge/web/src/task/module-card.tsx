import type { ReactNode } from 'react';
import type { LoopJson } from '../../../../src/contract/graph.js';
import type { ModuleJson } from '../../../../src/contract/iteration.js';
import { shortId } from '../../../../src/model/short-id.js';
import { passWords } from '../display/loop-words.js';
import { sourceWords } from '../display/source-words.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { moduleTone } from '../display/tone.js';
import { countsInWords, shareDone } from '../items/counts.js';
import { Card } from './card.js';
import type { Want } from './standstill.js';
import { Thumbnail, type ThumbnailProps } from './thumbnail.js';

export interface ModuleCardProps {
  readonly name: string;
  readonly module: ModuleJson;
  /** The node's own stable name, where it is known. */
  readonly instance: string | undefined;
  /** What it lacks to run. */
  readonly want: Want | undefined;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
  readonly maxAttempts: number | undefined;
  /** The loop that it is in. */
  readonly loop: LoopJson | undefined;
  /** The iteration whose outputs feed it too. */
  readonly parent: number | undefined;
  /** The output that it is drawn with, where there is one. */
  readonly thumbnail: ThumbnailProps | undefined;
  readonly selected: boolean;
  readonly onSelect: () => void;
}

/** One module of a task: a button that opens it. */
export function ModuleCard(props: ModuleCardProps): ReactNode {
  const { name, module, loop, thumbnail, selected, onSelect } = props;
  return (
    <Card
      {...{ name, selected, onSelect }}
      tone={moduleTone(module)}
      state={module.state}
      progress={module.items ? shareDone(module.items) : module.progress}
      time={<CardTime {...props} />}
      note={
        <>
          {module.pass !== null && (
            <>
              <b title={passWords(module, loop)}>pass {module.pass}</b>
              {' · '}
            </>
          )}
          <CardNote {...props} />
        </>
      }
      picture={thumbnail && <Thumbnail {...thumbnail} />}
    />
  );
}

/** How long it runs, or waits for what it lacks. */
function CardTime({ module, want, asOf }: ModuleCardProps): ReactNode {
  if (want?.since !== undefined)
    return <Elapsed since={new Date(want.since).toISOString()} until={asOf ?? null} />;
  if (module.started_at === null || module.state === 'waiting') return null;
  return <Elapsed since={module.started_at} until={module.finished_at ?? asOf ?? null} />;
}

function CardNote({ module, instance, maxAttempts, parent }: ModuleCardProps): ReactNode {
  const attempt = attemptText(module, maxAttempts);
  if (module.items && module.state !== 'failed') return countsInWords(module.items);
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
  if (module.reused_from ?? module.cached_from) return sourceWords(module);
  const isRunning = module.finished_at === null && module.progress_message !== null;
  return (
    <>
      {attempt && <b>{attempt} · </b>}
      {isRunning && <Foreign text={module.progress_message ?? ''} />}
      {isRunning && ' · '}
      {instance ?? (module.node_id === null ? '' : `node ${shortId(module.node_id)}`)}
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
