/**
 * Fills a store with history, through the product's own store: the one finished task that a real run has left there is repeated under
 * new ids and numbers, with every row and event that the real one has.
 *
 * The first `longest` iterations are of one problem, the others of one each; every tenth problem of those has failed. The output that the
 * graph indexes, if it does, differs from one to the next. On stdout: a JSON of what was made.
 */
import { pathToFileURL } from 'node:url';

const { dist, dir, iterations, longest } = JSON.parse(String(process.argv[2]));
/** @param {string} path @returns {Promise<any>} */
const product = (path) => import(pathToFileURL(`${dist}/src/${path}`).href);
const { openStore } = await product('store/lmdb.js');
const { systemIds } = await product('base/ids.js');
const { indexElement, indexKey } = await product('orchestrator/tables/index-key.js');
const FAILED_EVERY = 10;
/** Different values of the indexed output. */
const VALUES = 10_007;
const BATCH = 500;

const store = await openStore({ dir });
const epoch = await store.reign();
/** @param {Uint8Array} bytes */
const textOf = (bytes) => Buffer.from(bytes).toString();

/** @param {string} table @param {readonly (string | number)[]} prefix @returns {Promise<{ key: (string | number)[], value: Uint8Array }[]>} */
const rowsOf = (table, prefix) => store.range(table, { prefix });
const [problem] = await rowsOf('problems', []);
if (!problem) throw new Error('there is no task to repeat');
const problemText = textOf(problem.value);
const problemRow = JSON.parse(problemText);
const oldId = String(problemRow.problem_id);
const [iteration] = await rowsOf('iterations', [oldId]);
const taskText = textOf(/** @type {any} */ (iteration).value);
const taskRow = JSON.parse(taskText);
const [listed] = await rowsOf('problems_by_state', ['succeeded']);
const summaryText = textOf(/** @type {any} */ (listed).value);
const payloads = await rowsOf('payloads', [oldId]);
/** @type {{ seq: number, rest: string }[][]} */
const pages = (await rowsOf('task_events', [oldId])).map(({ value }) =>
  textOf(value)
    .split('\n')
    .map((line) => {
      const seq = Number(/^\{"seq":(\d+)/.exec(line)?.[1]);
      return { seq, rest: line.slice(`{"seq":${seq}`.length) };
    }),
);
const executionIds = [
  ...new Set(payloads.map(({ key }) => String(key[2])).filter((owner) => owner !== 'input')),
];
/** The execution whose output the graph indexes by one field, if it does. */
const { execution_id: indexedId, indexed = {} } =
  Object.values(taskRow.modules)
    .flatMap(({ executions }) => executions)
    .find((/** @type {any} */ execution) => execution.indexed) ?? {};
const [[field, oldElement] = []] = /** @type {[string, string][]} */ (Object.entries(indexed));
const perTask = pages.flat().length;
const before = JSON.parse(textOf(await store.get('meta', ['cursor'])));

/** @type {any[]} */
let writes = [];
let cursor = before;
/** @param {string} table @param {readonly (string | number)[]} key @param {string | Uint8Array} value */
const put = (table, key, value) =>
  writes.push({ op: 'put', table, key, value: typeof value === 'string' ? Buffer.from(value) : value });

async function commit() {
  put('meta', ['cursor'], JSON.stringify(cursor));
  const outcome = await store.commit(epoch, writes);
  if (outcome.kind !== 'committed') throw new Error(`the store is ${outcome.kind}`);
  writes = [];
}

/**
 * @param {string} problemId @param {number} number of the iteration @param {number} createdSeq @param {boolean} failed
 * @returns its summary
 */
function addIteration(problemId, number, createdSeq, failed) {
  const ids = executionIds.map((old) => [old, systemIds.uuid()]);
  /** @param {string} text */
  const renamed = (text) => {
    let result = text.replaceAll(oldId, problemId);
    for (const [old, fresh] of ids) result = result.replaceAll(String(old), String(fresh));
    return number === 1 ? result : result.replaceAll('"iteration_id":1,', `"iteration_id":${number},`);
  };
  const first = cursor + 1;
  let seq = cursor;
  /** @type {string[]} */
  const all = [];
  for (const page of pages) {
    const at = seq + 1;
    const lines = page.map(({ rest }) => {
      seq += 1;
      return `{"seq":${seq}${renamed(rest)}`;
    });
    put('task_events', [problemId, number, at], lines.join('\n'));
    all.push(...lines);
  }
  cursor = seq;
  put('events', [first], all.join('\n'));
  const value = ((problemId === longId ? number : createdSeq) % VALUES) / VALUES;
  const element = indexElement(value);
  const summary = renamed(summaryText)
    .replace(`"problem_seq":${taskRow.problem_seq}`, `"problem_seq":${createdSeq}`)
    .replace('"state":"succeeded"', `"state":"${failed ? 'failed' : 'succeeded'}"`);
  if (field) put('iteration_index', indexKey(field, element, createdSeq, number), summary);
  const row = renamed(taskText)
    .replace(`"${field}":"${oldElement}"`, `"${field}":"${element}"`)
    .replace(`"problem_seq":${taskRow.problem_seq}`, `"problem_seq":${createdSeq}`)
    .replace(`"queue_seq":${taskRow.queue_seq}`, `"queue_seq":${first + 1}`);
  put(
    'iterations',
    [problemId, number],
    failed ? row.replace('"state":"succeeded","desired"', '"state":"failed","desired"') : row,
  );
  const owners = new Map(ids.map(([old, fresh]) => [String(old), String(fresh)]));
  for (const { key, value: bytes } of payloads) {
    const owner = String(key[2]);
    const stored = owner === indexedId ? JSON.stringify({ value }) : bytes;
    put('payloads', [problemId, number, owners.get(owner) ?? owner, Number(key[3])], stored);
  }
  return summary;
}

/** @param {string} problemId @param {number} createdSeq @param {number} newest @param {boolean} failed @param {string} summary */
function addProblem(problemId, createdSeq, newest, failed, summary) {
  const row = { ...problemRow, problem_id: problemId, created_seq: createdSeq, newest_iteration_id: newest };
  put('problems', [createdSeq], JSON.stringify(row));
  put('problem_ids', [problemId], JSON.stringify(createdSeq));
  put('problems_by_state', [failed ? 'failed' : 'succeeded', createdSeq], summary);
}

const longId = systemIds.uuid();
const longSeq = cursor + 1;
for (let made = 0; made < iterations; made += 1) {
  if (made < longest) {
    const summary = addIteration(longId, made + 1, longSeq, false);
    if (made + 1 === longest) addProblem(longId, longSeq, longest, false, summary);
  } else {
    const problemId = systemIds.uuid();
    const failed = made % FAILED_EVERY === 0;
    const createdSeq = cursor + 1;
    const summary = addIteration(problemId, 1, createdSeq, failed);
    addProblem(problemId, createdSeq, 1, failed, summary);
  }
  if (made % BATCH === BATCH - 1) await commit();
}
await commit();
const { bytesUsed } = await store.stats();
await store.close();
console.log(`made ${JSON.stringify({ longId, perTask, bytesUsed })}`);
