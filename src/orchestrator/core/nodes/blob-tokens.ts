/**
 * Tokens with which nodes get and put blobs over HTTP.
 *
 * B1. A node has one from its welcome, and another one with the answer to a heartbeat once half of its time is over. The one before goes on to be
 *     valid until its own time is over, since a transfer may have begun with it.
 * B2. They end with the registration: with a goodbye, a newer process of the instance, its death, and the end of this process. A node that is heard
 *     again gets a new one.
 */
import { sameSecret } from '../../../base/secrets.js';
import { NODE_TOKEN_PREFIX as PREFIX } from '../../../model/access.js';
import type { BlobToken, FleetNode, State } from '../state.js';
import type { Turn } from '../turn.js';

/** Long enough for a node that was stopped for a while, short enough to be worth little to somebody who has overheard it. */
export const BLOB_TOKEN_MS = 600_000;
const RENEWED_MS = BLOB_TOKEN_MS / 2;
const UUID_CHARACTERS = 36;

/** For a welcome. Nothing where nobody needs a token for HTTP. */
export function blobTokenOf(turn: Turn, node: FleetNode): string | undefined {
  const { settings, state, ids, nowMs } = turn;
  if (settings.token === undefined) return undefined;
  const [newest] = node.blobTokens;
  if (newest && nowMs + RENEWED_MS < newest.untilMs) return newest.token;
  const token = `${PREFIX}${node.nodeId}-${ids.secret()}`;
  const tokens: BlobToken[] = [{ token, untilMs: nowMs + BLOB_TOKEN_MS }, ...(newest ? [newest] : [])];
  state.undo.set(node, 'blobTokens', tokens);
  return token;
}

/** B1: with the answer to a heartbeat. */
export function renewBlobToken(turn: Turn, node: FleetNode): void {
  const before = node.blobTokens[0]?.token;
  const blobToken = blobTokenOf(turn, node);
  if (blobToken !== undefined && blobToken !== before)
    turn.journal.tell(node, { kind: 'heartbeat_reply', blobToken });
}

/** B2 */
export function endBlobTokens({ state }: Pick<Turn, 'state'>, node: FleetNode): void {
  if (node.blobTokens.length > 0) state.undo.set(node, 'blobTokens', []);
}

/** Whose a token is; nothing where it is nobody's, or is over. */
export function nodeOfBlobToken(
  { nodes }: Pick<State, 'nodes'>,
  given: string,
  nowMs: number,
): FleetNode | undefined {
  if (!given.startsWith(PREFIX)) return undefined;
  const node = nodes.get(given.slice(PREFIX.length, PREFIX.length + UUID_CHARACTERS));
  return node?.blobTokens.some(({ token, untilMs }) => nowMs < untilMs && sameSecret(given, token))
    ? node
    : undefined;
}
