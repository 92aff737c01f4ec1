/** An iteration as an RO-Crate: a zip file that a paper can cite, with what went in, what came out, and how. */

import { z } from 'zod';
import { shortId } from '../../../src/model/short-id.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { answers, bytes, content } from '../answers/shape.js';
import { archiveOf } from '../crate/archive.js';
import { gatherRun } from '../crate/gather.js';
import { type App, asked, within } from '../http.js';
import { TASK_PATH, taskOf, taskParams } from '../requests.js';

/** "The copyright and related rights status of this item has not been evaluated." */
const NOT_EVALUATED = 'http://rightsstatements.org/vocab/CNE/1.0/';

const query = z.strictObject({
  license: z
    .url({ protocol: /^https?$/ })
    .default(NOT_EVALUATED)
    .describe(
      'The address of the licence of the crate, such as `https://spdx.org/licenses/CC-BY-4.0`. By default the ' +
        'statement that the copyright has not been evaluated',
    ),
});

export function crateRoute(app: App, coordinator: Coordinator, version: string): void {
  app.get(
    `${TASK_PATH}/crate`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'A finished iteration as an RO-Crate (Workflow Run RO-Crate 0.5) in a zip file',
        params: taskParams,
        querystring: query,
        response: answers({ 200: content('The crate', { 'application/zip': bytes }) }),
      },
    },
    async (request, reply) => {
      const task = taskOf(request.params);
      const { blobs } = within(coordinator, request);
      const deps = { queries: asked(coordinator, reply), blobs, version };
      const run = await gatherRun(deps, task, request.query.license);
      const { size, content } = archiveOf(run, blobs);
      const name = `${run.graph.name}-${shortId(task.problemId)}-${task.iterationId}.crate.zip`;
      reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('content-length', size);
      reply.raw.strictContentLength = true;
      return reply.send(content);
    },
  );
}
