/** SustainML's REST over the wire, in front of the six real nodes: its shapes and orders, and nothing of what goes wrong in the original. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FormTask, FrontEnd, form, NAMES, UNTOUCHED } from '../support/front-end.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const ROOT = join(import.meta.dirname, '../..');
const IDS = [0, 1, 2, 3, 4, 5];

const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let front: FrontEnd;
const players = new Map<string, ReturnType<Scene['spawn']>>();

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { args: ['--sustainml', '0'] });
  front = new FrontEnd(() => orchestrator.ready.sustainml!);
  const tape = orchestrator.tape();
  for (const name of NAMES) {
    const module = name.toLowerCase();
    const script = join(ROOT, `dist/nodes/sustainml/${module}/node.js`);
    const env = { TUTTI_CONTROL: orchestrator.ready.control, TUTTI_INSTANCE: module };
    players.set(module, scene.spawn([script], env));
  }
  expect(await front.get('/results')).toMatchObject({
    status: 200,
    text: 'Nodes have not reported any output yet.\n',
  });
  await tape.some('a node is idle', 6, ({ type, status }) => type === 'node.status' && status === 'IDLE');
});

/** Runs `during` while no node takes the work of this module. */
async function without<T>(module: string, during: () => Promise<T>): Promise<T> {
  const node = (await orchestrator.nodes()).find((one) => one.module === module);
  const command = async (name: string, status: string): Promise<void> => {
    await orchestrator.post(`/v1/nodes/${node.node_id}/commands`, { command: name });
    await expect
      .poll(async () => (await orchestrator.get(`/v1/nodes/${node.node_id}`)).body.status)
      .toBe(status);
  };
  await command('stop', 'INACTIVE');
  try {
    return await during();
  } finally {
    await command('start', 'IDLE');
  }
}

describe('the front ends of SustainML', () => {
  it('see six idle nodes, and each by its number', async () => {
    const idle = Object.fromEntries(NAMES.map((name) => [name, 'IDLE']));
    await expect.poll(async () => (await front.post('/status', {})).body).toEqual({ status: idle });
    expect((await front.get('/status')).body).toEqual({ status: idle });
    expect((await front.post('/status', { node_id: 3 })).body).toEqual({ status: 'IDLE' });
    expect((await front.post('/status', { node_id: 8 })).body).toEqual({ status: 'INACTIVE' });
    expect((await front.get('/')).body.message).toContain('Hello world!');
  });

  it('get every result in its shape, APP_REQUIREMENTS first, and the same bytes again', async () => {
    const task = await front.submit(form());
    expect(task).toEqual({ problem_id: expect.any(Number), iteration_id: 1 });
    const arrived: string[] = [];
    const results = await Promise.all(
      [...IDS].reverse().map(async (id) => {
        const result = await front.result(id, task);
        arrived.push(result.name);
        return result;
      }),
    );
    expect(arrived[0]).toBe('APP_REQUIREMENTS');
    const shapes: Json = {
      APP_REQUIREMENTS: { app_requirements: '' },
      CARBON_FOOTPRINT: {
        carbon_footprint: expect.any(Number),
        energy_consumption: expect.any(Number),
        carbon_intensity: expect.any(Number),
        extra_data: expect.objectContaining({ num_outputs: 1, model_restrains: [] }),
      },
      HW_CONSTRAINTS: { max_memory_footprint: 8192, hardware_required: 'PIM-AI-1chip' },
      HW_RESOURCES: {
        hw_description: 'PIM-AI-1chip',
        power_consumption: expect.any(Number),
        latency: expect.any(Number),
        memory_footprint_of_ml_model: expect.any(Number),
        max_hw_memory_footprint: 2048,
      },
      ML_MODEL_METADATA: {
        keywords: expect.stringContaining(', '),
        metadata: expect.stringContaining('image_classification'),
      },
      ML_MODEL: {
        model: expect.any(String),
        model_path: expect.any(String),
        model_properties: expect.any(String),
        model_properties_path: expect.any(String),
        input_batch: expect.stringMatching(/^\d+, \d+/),
        target_latency: expect.any(Number),
      },
    };
    for (const { status, name, value } of results) {
      expect(status).toBe(200);
      expect(value).toEqual({ task_id: task, ...shapes[name] });
    }
    // Kilograms inside, grams here: kWh · g/kWh.
    const { carbon_footprint, energy_consumption, carbon_intensity } = results.find(
      ({ name }) => name === 'CARBON_FOOTPRINT',
    )!.value;
    expect(carbon_footprint).toBeCloseTo(energy_consumption * carbon_intensity, 9);

    const all = await front.post('/results', { node_id: 9, task_id: task });
    expect(Object.keys(all.body).sort()).toEqual([...NAMES, 'task_id'].sort());
    expect((await front.post('/results', { node_id: 9, task_id: task })).text).toBe(all.text);
    expect((await front.get('/results')).text).toBe(all.text);
    expect((await front.post('/results', { node_id: 0 })).body.APP_REQUIREMENTS.task_id).toEqual(task);
    expect((await front.post('/results', { node_id: 6, task_id: task })).body).toEqual({
      MAX: { message: 'MAX node does not have any results to show.', task_id: task },
    });
    expect(Object.keys((await front.post('/results', { task_id: task })).body)).toEqual(['UNKNOWN']);
  });

  it('get back what they sent, without anybody’s token', async () => {
    const sent = form(
      { inputs: ['photo', 'of', 'steel'], desired_carbon_footprint: 5.1 },
      { hf_token: 'hf_secret', note: 'ä', big: 1.5 },
    );
    const task = await front.submit(sent);
    const { body, text } = await front.post('/results', { node_id: 7, task_id: task });
    const { hf_token: _, ...extra } = sent.extra_data;
    expect(body).toEqual({
      ORCHESTRATOR: { ...sent, task_id: task, inputs: 'photo of steel', outputs: '', extra_data: extra },
    });
    expect(text).not.toContain('hf_secret');
    const { items } = (await orchestrator.get('/v1/problems?limit=1')).body;
    expect(items[0].created_seq).toBe(task.problem_id);
    const stored = await orchestrator.get(`/v1/problems/${items[0].problem_id}/iterations/1`);
    expect(stored.body.client).toBe('sustainml');
    expect(JSON.stringify(stored.body)).not.toContain(
      Buffer.from('hf_secret').toString('base64').slice(0, 8),
    );
    const missing = { problem_id: 2 ** 31 - 1, iteration_id: 1 };
    const unknown = await front.result(7, missing);
    expect(unknown).toMatchObject({
      status: 200,
      name: 'ORCHESTRATOR',
      value: { Error: expect.stringContaining('Failed to get') },
    });
  });

  it('ask for the status in no time while 24 and more wait for results', async () => {
    const { waiting, times } = await without('carbon_footprint', async () => {
      const task = await front.submit(form());
      const polls = [...IDS, ...IDS, ...IDS, ...IDS, 1, 1].map((id) => front.result(id, task));
      await front.result(5, task);
      const times: number[] = [];
      for (let asked = 0; asked < 20; asked += 1) {
        const from = performance.now();
        await front.post('/status', {});
        times.push(performance.now() - from);
      }
      return { waiting: polls, times: times.sort((a, b) => a - b) };
    });
    // The machine of a test may be busy with something else now and then.
    expect(times[10]).toBeLessThan(50);
    const results = await Promise.all(waiting);
    expect(results.filter(({ name }) => name === 'CARBON_FOOTPRINT')).toHaveLength(6);
    expect(results.every(({ status }) => status === 200)).toBe(true);
  });

  it('are followed through a chain, each iteration with another model and one output fewer to come', async () => {
    const first = await front.submit(form({}, { num_outputs: 3 }));
    const models: string[] = [];
    for (const iteration_id of [1, 2, 3]) {
      const task = { ...first, iteration_id };
      const { value } = await front.result(1, task);
      expect(value.extra_data.num_outputs).toBe(4 - iteration_id);
      expect(value.extra_data.model_restrains).toEqual(models);
      models.push((await front.result(5, task)).value.model);
    }
    expect(new Set(models).size).toBe(3);
    const last = await front.result(7, { ...first, iteration_id: 3 });
    expect(last.value).toMatchObject({
      previous_iteration: 2,
      extra_data: { num_outputs: 1, goal: 'image_classification', previous_problem_id: first.problem_id },
    });
    expect((await front.result(5, { ...first, iteration_id: 4 })).status).toBe(404);
  });

  it('iterate from any older iteration, also after another problem', async () => {
    const first = await front.submit(form());
    await front.all(first);
    const second = { previous_iteration: 1 };
    const again = await front.submit(form(second, { previous_problem_id: first.problem_id }));
    expect(again).toEqual({ ...first, iteration_id: 2 });
    const before = await front.all(again);
    const other = await front.submit(form());
    await front.all(other);
    const third = await front.submit(form(second, { previous_problem_id: first.problem_id }));
    expect(third).toEqual({ ...first, iteration_id: 3 });
    const model = (await front.result(5, third)).value.model;
    // Its parent is the first iteration, which has not known the second.
    expect(model).toBe((await front.result(5, again)).value.model);
    expect(await front.all(again)).toEqual(before);
    expect((await front.result(7, third)).value.previous_iteration).toBe(1);
  });

  it('are told of a task that fails, in the words that the form shows as an error, and can go on from it', async () => {
    const task = await front.submit(UNTOUCHED);
    const all = await front.all(task);
    expect(all.ML_MODEL_METADATA).toMatchObject({
      metadata: 'Error',
      error: expect.stringContaining('No machine-learning goal'),
    });
    expect(all.ML_MODEL.model).toBe('Error');
    expect(all.HW_RESOURCES.hw_description).toContain('error');
    expect(all.CARBON_FOOTPRINT).toMatchObject({ task_id: task, extra_data: { num_outputs: 1 } });
    // What did work is there.
    expect(all.HW_CONSTRAINTS.hardware_required).toBe('PIM-AI-1chip');
    const mended = await front.submit(
      form({ previous_iteration: 1 }, { previous_problem_id: task.problem_id }),
    );
    expect((await front.result(5, mended)).value.model).not.toBe('Error');
  });

  it('have the footprint lowered by itself, until it is as desired or falls by less than 5 %', async () => {
    /** The footprints of all iterations, as a front end that follows them gets them. */
    const followed = async (task: FormTask): Promise<number[]> => {
      const footprints: number[] = [];
      for (let { iteration_id } = task; ; iteration_id += 1) {
        const { value } = await front.result(1, { ...task, iteration_id });
        if (value.error === undefined) footprints.push(value.carbon_footprint);
        if (value.extra_data.num_outputs === 1) return footprints;
      }
    };
    const auto = { optimize_carbon_footprint_auto: true };
    const wanted = { ...auto, desired_carbon_footprint: 0 };
    const task = await front.submit(form(wanted));
    expect(task).toEqual({ problem_id: expect.any(Number), iteration_id: 1 });
    const footprints = await followed(task);
    expect(footprints.length).toBeGreaterThan(1);
    for (const [index, footprint] of footprints.slice(1).entries())
      expect(footprint).toBeLessThan(footprints[index]! * 0.95);
    expect((await front.result(7, task)).value).toMatchObject(wanted);
    // The second footprint is good enough where it is what is desired.
    const desired = footprints[1]! * 1.001;
    const enough = await front.submit(form({ ...auto, desired_carbon_footprint: desired }));
    const reached = await followed(enough);
    expect(reached.length).toBeLessThanOrEqual(2);
    expect(reached.at(-1)!).toBeLessThanOrEqual(desired);
    const { items } = (await orchestrator.get('/v1/campaigns')).body;
    expect(items.slice(0, 2)).toMatchObject([
      { phase: 'completed', ended_by: 'until' },
      { phase: 'completed', ended_by: expect.stringMatching(/until|improvement/) },
    ]);
    // It ends with the iteration that a person stops: the last node hangs meanwhile.
    process.kill(players.get('carbon_footprint')!.pid, 'SIGSTOP');
    try {
      const stopped = await front.submit(form(wanted));
      const poll = front.result(1, stopped);
      expect((await front.post('/cancel', {})).body).toMatchObject({ status: 'cancelled', tasks: [stopped] });
      process.kill(players.get('carbon_footprint')!.pid, 'SIGCONT');
      expect((await poll).value.extra_data.num_outputs).toBe(1);
      await expect
        .poll(async () => (await orchestrator.get('/v1/campaigns')).body.items[0].phase, { timeout: 20_000 })
        .toBe('aborted');
      expect((await front.result(1, { ...stopped, iteration_id: 2 })).status).toBe(404);
    } finally {
      process.kill(players.get('carbon_footprint')!.pid, 'SIGCONT');
    }
  }, 60_000);

  it('stop a task by its name, and without one everything that came through here', async () => {
    const other = await orchestrator.submit('sustainml', {
      modality: 'image',
      problem_definition: 'classify',
    });
    await orchestrator.tape().ended(other.task_id);
    await without('carbon_footprint', async () => {
      const [one, two, chain] = await Promise.all([
        front.submit(form()),
        front.submit(form()),
        front.submit(form({}, { num_outputs: 5 })),
      ]);
      const elsewhere = await orchestrator.submit('sustainml', {
        modality: 'image',
        problem_definition: 'classify photos',
      });
      const polls = [one, two, chain].map((task) => front.result(1, task!));
      expect((await front.post('/cancel', one)).body).toMatchObject({ status: 'cancelled', tasks: [one] });
      const all = await front.post('/cancel', {});
      expect(all).toMatchObject({ status: 200, body: { status: 'cancelled' } });
      expect(all.body.tasks).toEqual(expect.arrayContaining([two, chain]));
      for (const { value } of await Promise.all(polls)) expect(value.error).toContain('cancelled');
      expect(await front.post('/cancel', one)).toMatchObject({ status: 404, body: { status: 'not_found' } });
      expect(await front.post('/cancel', { problem_id: 2 ** 30, iteration_id: 1 })).toMatchObject({
        status: 404,
        body: { status: 'not_found' },
      });
      expect((await orchestrator.task(elsewhere.task_id)).state).not.toBe('cancelled');
      await orchestrator.post(`/v1/problems/${elsewhere.task_id.replace('/', '/iterations/')}/commands`, {
        command: 'stop',
      });
    });
  });

  it('have their queries answered by the node that they name, in the order of asking', async () => {
    const hardwares = JSON.parse((await front.configure(3, 'hardwares')).configuration).hardwares.split(', ');
    expect(hardwares).toContain('PIM-AI-1chip');
    const { modalities, goals } = JSON.parse((await front.configure(4, 'modality')).configuration);
    expect(modalities.split(', ')).toContain('image');
    expect(goals.split(', ')).toContain('image_classification');
    expect(
      JSON.parse((await front.configure(4, 'metrics, cover_tag: image')).configuration).metrics,
    ).toContain('accuracy');
    const { models } = JSON.parse(
      (await front.configure(5, 'model_from_goal, translation, Transformers')).configuration,
    );
    expect(models.split(', ').length).toBeGreaterThan(2);
    const arrived: number[] = [];
    await Promise.all(
      Array.from({ length: 12 }, async (_, turn) => {
        const text = turn % 3 === 1 ? 'what is this' : 'modality';
        const response = await front.configure(4, text);
        arrived.push(turn);
        expect(response).toMatchObject({
          node_id: 4,
          success: turn % 3 !== 1,
          err_code: turn % 3 === 1 ? 1 : 0,
        });
      }),
    );
    expect(arrived).toHaveLength(12);
    // A word of another node's query in it misleads nobody.
    const search = await front.configure(5, 'hf_search, which hardwares and modality, 10');
    expect(search).toMatchObject({ node_id: 5, success: true });
    const refused = await front.configure(5, 'hardwares');
    expect(refused).toMatchObject({ node_id: 5, success: false, err_code: 1 });
    expect(JSON.parse(refused.configuration).error).toContain('hf_search');
    expect(await front.configure(42, 'hardwares')).toMatchObject({ node_id: 42, success: false });
  });

  it('front ends that were written for an older back end and send only four fields are served', async () => {
    const task = await front.submit({
      modality: 'Image/video',
      problem_type: 'Image Classification',
      evaluation_metrics: '',
      model: '',
    });
    expect((await front.all(task)).ML_MODEL_METADATA.metadata).toContain('image_classification');
  });

  it('get nothing but JSON for rubbish, and harm nobody by it', async () => {
    const bodies: [string, unknown][] = [
      ...['{', '[]', 'null', '7', '""', '{"a":1}}', `${'['.repeat(5000)}`, '\u0000'].flatMap(
        (body): [string, unknown][] => [
          ['/user_input', body],
          ['/config_request', body],
          ['/hf_models_info', body],
          ['/results', body],
        ],
      ),
      ...[
        { modality: 7 },
        { inputs: [1] },
        { inputs: { a: 1 } },
        { minimum_samples: -1 },
        { minimum_samples: 'many' },
        { maximum_samples: 2 ** 32 },
        { optimize_carbon_footprint_auto: 'yes' },
        { previous_iteration: 1 },
        { previous_iteration: 1.5 },
        { desired_carbon_footprint: -1 },
        { extra_data: [] },
        { extra_data: 'x' },
        { extra_data: { num_outputs: 101 } },
        { extra_data: { num_outputs: '3' } },
        { problem_short_description: '\ud800' },
      ].map((body): [string, unknown] => ['/user_input', body]),
      ['/results', { node_id: 'x' }],
      ['/results', { node_id: 0, task_id: 7 }],
      ['/results', { node_id: 0, task_id: { problem_id: 'a', iteration_id: 1 } }],
      ['/results', { node_id: 0, task_id: { problem_id: -1, iteration_id: 1 } }],
      ['/config_request', { node_id: 3 }],
      ['/config_request', { configuration: 'hardwares', node_id: 'three' }],
      ['/hf_models_info', {}],
      ['/hf_models_info', { model_ids: [] }],
      ['/hf_models_compare', { models: [7] }],
      ['/hf_models_compare', {}],
      ['/user_input', new Uint8Array([0x7b, 0xff, 0x7d])],
    ];
    for (const [path, body] of bodies) {
      const reply = await front.post(path, body);
      expect([path, body, reply.status]).toEqual([path, body, 400]);
      expect(reply.body.error).toEqual(expect.any(String));
    }
    expect((await front.post('/user_input', `{"modality":"${'x'.repeat(2 ** 20)}"}`)).status).toBe(413);
    expect((await front.post('/nowhere', {})).body.error).toEqual(expect.any(String));
    expect((await front.get('/user_input')).status).toBe(405);
    const wrong = form({ previous_iteration: 9 }, { previous_problem_id: 1 });
    expect((await front.post('/user_input', wrong)).status).toBe(404);
    const gone = await front.result(3, { problem_id: 1, iteration_id: 1 });
    expect(gone).toMatchObject({ status: 404, name: 'HW_RESOURCES', value: { error: expect.any(String) } });
    expect(await rawly('rubbish\r\n\r\n')).toContain('"error"');
    expect((await front.get('/status')).status).toBe(200);
  });

  it('are served while others hold more connections than there may be, and send nothing', async () => {
    const { hostname, port } = new URL(orchestrator.ready.sustainml!);
    const held = Array.from({ length: 1_100 }, () => connect(Number(port), hostname).on('error', () => {}));
    try {
      await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      expect((await front.get('/status')).status).toBe(200);
      expect((await front.result(0, await front.submit(form()))).status).toBe(200);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });

  it('are programs of this machine only', async () => {
    const { host, port } = new URL(orchestrator.ready.sustainml!);
    expect(host).toMatch(/^127\.0\.0\.1:/);
    const asked = (head: string) => rawly(`GET /status HTTP/1.1\r\n${head}\r\n\r\n`);
    expect(await asked(`Host: localhost:${port}`)).toMatch(/^HTTP\/1.1 200/);
    expect(await asked('Host: rebound.example')).toMatch(/^HTTP\/1.1 403/);
    expect(await asked(`Host: ${host}\r\nOrigin: https://page.example`)).toMatch(/^HTTP\/1.1 403/);
    expect(await asked(`Host: ${host}\r\nOrigin: null`)).toMatch(/^HTTP\/1.1 403/);
    expect(await asked(`Host: ${host}\r\nSec-Fetch-Site: cross-site`)).toMatch(/^HTTP\/1.1 403/);
    expect(await rawly('GET /status HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200/);
    expect((await front.get('/terminate')).body).toEqual({ message: 'Terminating...<br>' });
    expect((await front.get('/shutdown')).status).toBe(200);
    expect((await front.get('/status')).status).toBe(200);
  });

  it('learn about models from the catalogue, and honestly nothing about others', async () => {
    const { body } = await front.post('/hf_models_info', { model_ids: ['yolo11n', 'nobody/nothing'] });
    expect(body.models).toEqual([
      {
        model_id: 'yolo11n',
        status: 200,
        info: expect.objectContaining({ pipeline_tag: 'object-detection' }),
      },
      { model_id: 'nobody/nothing', status: 0, info: {}, error: expect.any(String) },
    ]);
    expect(body.errors).toEqual([{ model_id: 'nobody/nothing', error: expect.any(String) }]);
    const compared = (await front.post('/hf_models_compare', { models: body.models })).body;
    expect(Object.keys(compared)).toEqual(['comparison_summary', 'model_cards', 'comparison_table']);
    expect(compared.model_cards).toHaveLength(2);
    expect(compared.comparison_table[0]).toEqual({
      model_id: 'yolo11n',
      license: expect.any(String),
      model_family: expect.any(String),
      architectures: expect.any(String),
      languages: expect.any(String),
    });
  });

  it('take sixty problems, and keep their names over a kill -9 while twelve wait', async () => {
    const tasks = await Promise.all(Array.from({ length: 60 }, () => front.submit(form())));
    expect(new Set(tasks.map(({ problem_id }) => problem_id)).size).toBe(60);
    const all = await Promise.all(tasks.map((task) => front.all(task)));
    expect(all.every(({ ML_MODEL }) => ML_MODEL.model !== 'Error')).toBe(true);
    const elsewhere = await orchestrator.submit('sustainml', {
      modality: 'audio',
      problem_definition: 'Tell from a recording whether a pump is broken: classify sounds.',
    });
    await orchestrator.tape().ended(elsewhere.task_id);
    const { created_seq } = (await orchestrator.get(`/v1/problems/${elsewhere.problem_id}`)).body;

    const chain = await front.submit(form({}, { num_outputs: 2 }));
    const late = await front.submit(form());
    const lost = [...IDS, ...IDS].map((id) =>
      front.result(id, late).then(
        () => 'answered',
        () => 'broken',
      ),
    );
    await orchestrator.process.end('SIGKILL');
    expect(await Promise.all(lost)).toHaveLength(12);
    await orchestrator.restart();

    const after = await Promise.all(IDS.map((id) => front.result(id, late)));
    expect(after.every(({ status }) => status === 200)).toBe(true);
    expect(await front.all(tasks[0]!)).toEqual(all[0]);
    const made: FormTask = { problem_id: created_seq, iteration_id: 1 };
    expect((await front.result(4, made)).value.metadata).toContain('audio_classification');
    expect((await front.result(1, chain)).value.extra_data.num_outputs).toBe(2);
    expect((await front.result(1, { ...chain, iteration_id: 2 })).value.extra_data.num_outputs).toBe(1);
    expect((await front.get('/results')).status).toBe(200);
  });
});

/** What comes back for these bytes, until the connection is closed. */
function rawly(bytes: string): Promise<string> {
  const { hostname, port } = new URL(orchestrator.ready.sustainml!);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    socket.on('close', () => resolve(text)).on('error', reject);
  });
}
