/** A stage of the floor's chain: answers each frame with one, or each message of it with one. */
import { randomFillSync } from 'node:crypto';
import { Dealer } from 'zeromq';
import { endWithParent } from '../support/processes.mjs';

const [, , endpoint, stage] = process.argv;
const MESSAGE_BYTES = 205;
const result = randomFillSync(Buffer.allocUnsafe(200));
const dealer = new Dealer({
  routingId: `stage ${stage}`,
  sendHighWaterMark: 0,
  receiveHighWaterMark: 0,
  linger: 0,
});
dealer.connect(String(endpoint));
endWithParent();
console.log('ready');
for await (const [frame] of dealer) {
  const answer = Buffer.from(/** @type {Buffer} */ (frame));
  for (let at = 0; at < answer.length; at += MESSAGE_BYTES) result.copy(answer, at + 5);
  await dealer.send(answer);
}
