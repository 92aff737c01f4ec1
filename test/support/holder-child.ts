/** A child that wants to hold a data directory, and can refuse to end when it is told to. */
import { acquireDataDir, type Release } from '../../src/store/holder.js';
import { answerRequests } from './answer-requests.js';

export type HolderRequest =
  | { readonly do: 'acquire'; readonly dir: string; readonly takeover: boolean }
  | { readonly do: 'release' }
  | { readonly do: 'ignore SIGTERM' };

let release: Release;

answerRequests<HolderRequest>(async (request) => {
  switch (request.do) {
    case 'acquire':
      release = await acquireDataDir(request.dir, { takeover: request.takeover, graceMs: 300 });
      return undefined;
    case 'release':
      return release();
    case 'ignore SIGTERM':
      process.on('SIGTERM', () => {});
      return undefined;
    default:
      return request satisfies never;
  }
});
