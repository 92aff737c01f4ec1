/** Assignments, outputs, blobs and failures. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConformCase } from './case.js';
import { demand, isAbout, ON_ITS_WAY_MS, type Stage } from './stage.js';

const SILENCE_MS = 700;
/** Longer than the time between the first repeats of an output or a report. */
const REPEAT_MS = 2_600;

export const WORK_CASES: readonly ConformCase[] = [
  {
    id: 'heartbeat.busy',
    level: 'full',
    sentence:
      'While it works, its heartbeats continue, with the status RUNNING and the name of the execution.',
    async run(stage) {
      const execution = stage.assign({ sleep_ms: 60_000 });
      await stage.begun(execution);
      await delay(100);
      stage.conductor.forget(({ kind }) => kind === 'heartbeat');
      for (let beat = 1; beat <= 3; beat += 1) {
        const { status, running } = await stage.conductor.next(
          'heartbeat',
          2_500,
          'a heartbeat while it works',
        );
        demand(status === 'RUNNING', `the status RUNNING in a heartbeat while it works, not ${status}`);
        demand(running.includes(execution.executionId), 'the execution in heartbeat.running while it works');
      }
      await cancel(stage, execution);
    },
  },
  {
    id: 'heartbeat.holds',
    level: 'full',
    sentence:
      'A heartbeat also names finished executions until their end is acknowledged, and not after that.',
    async run(stage) {
      const execution = stage.assign({ echo: 1 });
      await stage.output(execution, 1);
      stage.ack(execution, 1, false);
      await delay(400);
      stage.conductor.forget(({ kind }) => kind === 'heartbeat');
      const { running } = await stage.conductor.next('heartbeat', stage.patienceMs, 'a heartbeat');
      demand(
        running.includes(execution.executionId),
        'the execution in heartbeat.running until its end is acknowledged',
      );
      stage.ack(execution, 1, true);
      await stage.conductor.next(
        'heartbeat',
        2_500,
        'a heartbeat without the execution whose end is acknowledged',
        (beat) => !beat.running.includes(execution.executionId),
      );
    },
  },
  {
    id: 'assign.started_once',
    level: 'full',
    sentence: 'However often an assignment is repeated, its work is done once.',
    async run(stage) {
      const { runs = 0 } = await stage.finish(stage.assign({ echo: 'before' }));
      const execution = stage.newExecution();
      const assignment = stage.assignment(execution, { echo: 'once', sleep_ms: 300 });
      stage.conductor.send(assignment);
      await stage.begun(execution);
      stage.conductor.send(assignment);
      await delay(100);
      stage.conductor.send(assignment);
      const once = await stage.answer(execution);
      stage.conductor.send(assignment);
      await delay(200);
      stage.ack(execution, 1, true);
      const after = await stage.finish(stage.assign({ echo: 'after' }));
      demand(once.runs === runs + 1 && after.runs === runs + 2, 'one run of the work for one execution');
    },
  },
  {
    id: 'assign.capacity',
    level: 'full',
    sentence:
      'It rejects assignments beyond its declared capacity with an error, and continues with the rest.',
    async run(stage) {
      const hello = await stage.rejoin();
      const held = Array.from({ length: hello.capacity }, () => stage.assign({ sleep_ms: 60_000 }));
      for (const execution of held) await stage.begun(execution);
      const beyond = stage.assign({ echo: 'too much' });
      const { error } = await stage.report(beyond, 'REJECTED');
      demand(error?.retryable === true, 'a retryable error with REJECTED');
      for (const execution of held) await cancel(stage, execution);
    },
  },
  {
    id: 'output.window',
    level: 'full',
    sentence:
      'It publishes its outputs in order, and never more of them than output_window without an acknowledgement.',
    async run(stage) {
      await stage.rejoin({ outputWindow: 2 });
      const execution = stage.assign({ echo: 'end', partials: 4 });
      await stage.output(execution, 1);
      await stage.output(execution, 2);
      await stage.conductor.never(
        (heard) => heard.kind === 'output' && isAbout(heard, execution) && heard.seq > 2,
        SILENCE_MS,
        'no third output while two are not acknowledged (output_window 2): it was published',
      );
      for (let seq = 1; seq <= 4; seq += 1) {
        stage.ack(execution, seq, false);
        const next = Math.min(seq + 2, 5);
        if (seq > 3) continue;
        const output = await stage.output(execution, next);
        demand(output.last === (next === 5), `only the output ${5} marked as the last`);
        const { part, echo } = stage.valueOf(output);
        demand(
          next === 5 ? echo === 'end' : part === next,
          'the outputs in the order in which they were made',
        );
      }
      stage.ack(execution, 5, true);
      await stage.rejoin();
    },
  },
  {
    id: 'output.named',
    level: 'full',
    sentence:
      'Where the assignment has named outputs, it publishes each of them once under its name, the last one as such.',
    async run(stage) {
      const outputs = ['one', 'two', 'three'].map((name) => ({ name, type: 'json' }));
      const names = ['two', 'three', 'one'];
      const execution = stage.assign({ echo: 'named', names }, { outputType: '', outputs });
      const published: string[] = [];
      for (let seq = 1; seq <= names.length; seq += 1) {
        const output = await stage.output(execution, seq);
        demand(
          output.last === (seq === names.length),
          'only the output that completes them marked as the last',
        );
        demand(stage.valueOf(output).echo === 'named', 'the value of each output');
        published.push(output.name ?? '');
        stage.ack(execution, seq, output.last);
      }
      demand(
        [...published].sort().join() === [...names].sort().join(),
        `an output for each of the names one, two and three: it published ${published.map((name) => JSON.stringify(name)).join(', ')}`,
      );
    },
  },
  {
    id: 'output.refused',
    level: 'full',
    sentence: 'An output that is refused as bad_payload is published no more.',
    async run(stage) {
      const execution = stage.assign({ echo: 1 });
      await stage.output(execution, 1);
      const { executionId } = execution;
      const code = 'bad_payload';
      stage.conductor.send({
        kind: 'refused',
        code,
        message: 'it is not what it should be',
        executionId,
        seq: 1,
      });
      await noMoreOutputs(
        stage,
        execution,
        'no output that was refused as bad_payload: it was published again',
      );
    },
  },
  {
    id: 'execution.refused',
    level: 'full',
    sentence: 'An execution that is refused as stale_execution is forgotten: no longer published or named.',
    async run(stage) {
      const execution = stage.assign({ echo: 1 });
      await stage.output(execution, 1);
      const { executionId } = execution;
      stage.conductor.send({
        kind: 'refused',
        code: 'stale_execution',
        message: 'it was replaced',
        executionId,
      });
      await noMoreOutputs(stage, execution, 'no output of a stale execution: it was published again');
      stage.conductor.forget();
      const { running } = await stage.conductor.next('heartbeat', stage.patienceMs, 'a heartbeat');
      demand(!running.includes(executionId), 'no stale execution in heartbeat.running');
    },
  },
  {
    id: 'blob.output',
    level: 'full',
    sentence: 'An output above inline_max_bytes is uploaded first, and published by its SHA-256 and size.',
    async run(stage) {
      const execution = stage.assign({ echo: 'large', size: 100_000 });
      const output = await stage.output(execution, 1);
      demand(output.payload.kind === 'blob', 'a blob in an output above inline_max_bytes');
      const { sha256, size } = output.payload.blob;
      const bytes = stage.conductor.shelf.blobs.get(sha256);
      demand(bytes !== undefined && bytes.byteLength === size, 'the blob uploaded before its output came');
      demand(stage.valueOf(output).filler?.length === 100_000, 'the output whole');
    },
  },
  {
    id: 'blob.missing',
    level: 'full',
    sentence: 'Told blob_missing, it uploads the blob again and publishes the output again.',
    async run(stage) {
      const { shelf } = stage.conductor;
      const execution = stage.assign({ echo: 'missing', size: 100_001 });
      const { payload } = await stage.output(execution, 1);
      demand(payload.kind === 'blob', 'a blob in an output above inline_max_bytes');
      const { sha256 } = payload.blob;
      shelf.blobs.delete(sha256);
      stage.conductor.forget((heard) => heard.kind === 'output');
      const { executionId } = execution;
      const answer = {
        kind: 'refused',
        code: 'blob_missing',
        message: 'it is not there',
        executionId,
        seq: 1,
      } as const;
      stage.conductor.send(answer);
      const deadline = stage.conductor.nowMs + stage.patienceMs;
      while (!shelf.blobs.has(sha256) && stage.conductor.nowMs < deadline) await delay(20);
      demand(shelf.blobs.has(sha256), 'the blob uploaded again after the refusal blob_missing');
      await stage.conductor.next(
        'output',
        stage.patienceMs,
        'the output published again after its blob was',
        (output) => output.executionId === executionId,
      );
    },
  },
  {
    id: 'blob.input',
    level: 'full',
    sentence: 'It fetches an input that is sent by reference.',
    async run(stage) {
      const text = 'large input '.repeat(10_000);
      const blob = stage.conductor.shelf.keep(Buffer.from(JSON.stringify({ echo: text })));
      const url = `${stage.conductor.shelf.url}/${blob.sha256}`;
      const value = { kind: 'blob', blob, url } as const;
      const execution = stage.assign(
        {},
        { inputs: [{ name: 'input', type: 'json', value, previous: false }] },
      );
      const answer = await stage.answer(execution);
      demand(answer.echo === text, 'the work done on what the blob holds');
    },
  },
  {
    id: 'failure.reported',
    level: 'full',
    sentence:
      'Work that fails is reported FAILED, with its code and message, under the lease, with the number of its outputs.',
    async run(stage) {
      const fail = { code: 'out_of_luck', message: 'the dice were against it', retryable: false };
      const execution = stage.assign({ partials: 1, fail });
      const { error, lastSeq, lease } = await stage.report(execution, 'FAILED');
      demand(lease === execution.lease, 'the lease of the assignment in FAILED');
      demand(
        error?.code === fail.code && error.message.includes(fail.message),
        'the code and the message of the failure',
      );
      demand(error.retryable === false, 'retryable as the work said: false');
      demand(lastSeq === 1, `last_seq 1 in FAILED, since one output was published; not ${lastSeq}`);
    },
  },
  {
    id: 'failure.repeated',
    level: 'full',
    sentence: 'A final report is sent again until it is acknowledged as ended, and then no more.',
    async run(stage) {
      const execution = stage.assign({ fail: { code: 'out_of_luck', message: 'again' } });
      await stage.report(execution, 'FAILED');
      await stage.report(execution, 'FAILED', 6_000);
      stage.ack(execution, 0, true);
      await delay(ON_ITS_WAY_MS);
      stage.conductor.forget();
      await stage.conductor.never(
        (heard) => heard.kind === 'execution_report' && isAbout(heard, execution),
        REPEAT_MS,
        'no report of an execution whose end is acknowledged: one came',
      );
    },
  },
];

async function noMoreOutputs(
  stage: Stage,
  execution: { executionId: string; lease: string },
  wrong: string,
): Promise<void> {
  await delay(ON_ITS_WAY_MS);
  stage.conductor.forget();
  await stage.conductor.never(
    (heard) => heard.kind === 'output' && isAbout(heard, execution),
    REPEAT_MS,
    wrong,
  );
}

/** Ends work that would go on; how the node reports it is another case's. */
async function cancel(stage: Stage, execution: { executionId: string; lease: string }): Promise<void> {
  stage.conductor.send(stage.taskCommand('STOP', execution, 0));
  await stage.conductor.any(
    (heard) =>
      heard.kind === 'execution_report' &&
      isAbout(heard, execution) &&
      heard.state !== 'ACCEPTED' &&
      heard.state !== 'RUNNING',
    stage.patienceMs,
    'the end of a stopped execution',
  );
  stage.ack(execution, 0, true);
}
