/** The events of a task: those that there are, and with `follow` those that come, until the task has ended. */

import { everyItem } from '../../base/every-item.js';
import { follow, type StreamedEvent } from '../../client/follow.js';
import type { TaskAnswerJson } from '../../contract/iteration.js';
import type { TaskId } from '../../model/task-id.js';
import type { Client } from '../client.js';
import { hasEnded, taskPath } from './task.js';

interface EventPage {
  readonly items: readonly StreamedEvent[];
  readonly next_cursor: string | null;
}

export interface TaskEventsOptions {
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export async function* taskEvents(
  client: Client,
  task: TaskId,
  options: TaskEventsOptions,
): AsyncGenerator<StreamedEvent> {
  const { value } = await client.get<TaskAnswerJson>(taskPath(task));
  let newest = 0;
  for await (const event of storedEvents(client, task)) {
    newest = event.seq;
    yield event;
  }
  if (!options.follow || hasEnded(value.state)) return;
  yield* comingEvents(client, task, newest, options.signal);
}

async function* storedEvents(client: Client, task: TaskId): AsyncGenerator<StreamedEvent> {
  yield* everyItem(async (page) => (await client.get<EventPage>(`${taskPath(task)}/events`, page)).value);
}

/** A stretch that the stream no longer has is read from the task's own events, which are kept for as long as the task is. */
async function* comingEvents(
  client: Client,
  task: TaskId,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  let newest = after;
  for await (const followed of follow(client, { cursor: after, problemId: task.problemId, signal })) {
    const events = followed.kind === 'events' ? followed.events : await missed(client, task, newest);
    for (const event of events) {
      if (event.iteration_id !== task.iterationId || event.seq <= newest) continue;
      newest = event.seq;
      yield event;
      if (isEnd(event)) return;
    }
  }
}

async function missed(client: Client, task: TaskId, after: number): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  for await (const event of storedEvents(client, task)) if (event.seq > after) events.push(event);
  return events;
}

function isEnd({ type }: StreamedEvent): boolean {
  return type.startsWith('iteration.') && hasEnded(type.slice('iteration.'.length));
}
