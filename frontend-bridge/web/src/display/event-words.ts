/** Events in a line each, for people. */

import type { EventJson } from '../../../../src/contract/event.js';
import type { CommandFields } from '../../../../src/model/run.js';
import { shortId } from '../../../../src/model/short-id.js';
import { shellLine } from '../copying/shell-words.js';
import {
  cachedFrom,
  commandOf,
  errorOf,
  loopEndIn,
  number,
  reusedFrom,
  text,
  wordsIn,
} from '../state/event-fields.js';
import { loopEndWords } from './loop-words.js';
import { placeWords } from './source-words.js';

/**
 * What happened, without when: `execution.failed · ml_model · attempt 2 · timeout: too long`. With `ofTask` it is clear which task is
 * meant.
 */
export function describeEvent(event: EventJson, ofTask = false): string {
  const parts: (string | undefined)[] = [event.type];
  if (event.module !== undefined && !event.type.startsWith('node.')) parts.push(event.module);
  if (event.problem_id !== undefined && !ofTask)
    parts.push(`problem ${shortId(event.problem_id)} / ${event.iteration_id}`);
  if (event.module !== undefined && event.pass !== undefined) parts.push(`pass ${event.pass}`);
  if ((event.attempt ?? 1) > 1) parts.push(`attempt ${event.attempt}`);
  parts.push(detailOf(event));
  const error = errorOf(event);
  if (error) parts.push(`${error.code}: ${error.message}`);
  return parts.filter(Boolean).join(' · ');
}

/** `python3 fit.py, as 4711`, `on node7`, `exit code 1`. */
function commandWords({ argv, engine_id, host, exit_code, signal, folder }: CommandFields): string {
  const parts = [
    argv && shellLine(argv),
    engine_id !== undefined && `as ${engine_id}`,
    host !== undefined && `on ${host}`,
    signal !== undefined ? `ended by ${signal}` : exit_code !== undefined && `exit code ${exit_code}`,
    folder !== undefined && `kept in ${folder}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function byWhom(event: EventJson): string | undefined {
  const by = text(event, 'by');
  return by === undefined ? undefined : `by ${by}`;
}

function detailOf(event: EventJson): string | undefined {
  switch (event.type) {
    case 'execution.log':
      return text(event, 'message');
    case 'execution.command':
      return commandWords(commandOf(event));
    case 'execution.progress':
      return `${Math.round((number(event, 'progress') ?? 0) * 100)} %${text(event, 'message') ? `, ${text(event, 'message')}` : ''}`;
    case 'output.recorded':
      return `output ${number(event, 'output_seq') ?? ''}`;
    case 'module.reused':
      return `of ${placeWords({ reused_from: reusedFrom(event), cached_from: cachedFrom(event) }) ?? ''}`;
    case 'loop.passed':
      return `pass ${number(event, 'pass') ?? ''}: ${wordsIn(event, 'modules').join(', ')}`;
    case 'loop.ended':
      return `${text(event, 'from') ?? ''} after pass ${number(event, 'pass') ?? ''}: ${loopEndWords(loopEndIn(event))}`;
    case 'approval.requested':
      return text(event, 'message');
    case 'approval.decided':
      return [text(event, 'decision'), byWhom(event), text(event, 'reason')].filter(Boolean).join(', ');
    case 'node.status':
      return text(event, 'status')?.toLowerCase();
    case 'command.issued':
    case 'command.acked':
    case 'command.refused':
    case 'command.expired':
      return text(event, 'command');
    default:
      return text(event, 'reason');
  }
}
