// A node whose handler waits until it is told to stop: what a test ends by a signal. It runs on the built SDK.
import { node } from 'tutti/sdk';

await node(
  'ml_model',
  ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
).start();
