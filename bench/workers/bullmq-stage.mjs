/** A stage of the chain as a BullMQ worker: 200 bytes out, whatever comes in. */
import { randomBytes } from 'node:crypto';
import { Worker } from 'bullmq';
import { endWithParent } from '../support/processes.mjs';

const [, , port, stage] = process.argv;
const result = randomBytes(150).toString('base64');
const worker = new Worker(`stage-${stage}`, async () => result, {
  connection: { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null },
  concurrency: 1024,
});
worker.on('error', (error) => console.error(error));
await worker.waitUntilReady();
endWithParent();
console.log('ready');
