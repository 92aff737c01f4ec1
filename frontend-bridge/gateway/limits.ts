/** What the gateway bears; each limit is one queue or one size. */
export interface GatewayLimits {
  /** A body that is not a blob: bytes. @default 4 MiB */
  readonly bodyBytes: number;
  /**
   * All bodies together of requests that are not answered yet, blobs apart: bytes. Beyond it the largest that still comes gets 503.
   * @default 256 MiB
   */
  readonly bodiesBytes: number;
  /** A request whose body comes no further for so long gets 408. @default 30 s */
  readonly bodyIdleMs: number;
  /** The rest of a body that was answered before it was whole is read for so long; many clients read the answer only then. @default 30 s */
  readonly lingerMs: number;
  /** A connection on which no request's head comes whole within so long is ended. @default 10 s */
  readonly headMs: number;
  /** A client that takes nothing of its answer for so long is cut off, a viewer too. @default 2 min */
  readonly answerIdleMs: number;
  /** TCP connections, viewers among them. @default 8192 */
  readonly connections: number;
  /** WebSockets at once; one more gets 503. @default 4096 */
  readonly viewers: number;
  /** What a viewer's socket may hold before it is told of events by pages: bytes. @default 1 MiB */
  readonly viewerBufferBytes: number;
  /** A frame that a viewer sends: bytes; a larger one closes its socket with 1009. @default 64 KiB */
  readonly viewerFrameBytes: number;
  /** Messages a second of a viewer, ten seconds' worth at once; more close its socket with 1008. @default 20 */
  readonly viewerMessagesPerSecond: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodyBytes: 4 * 1024 * 1024,
  bodiesBytes: 256 * 1024 * 1024,
  bodyIdleMs: 30_000,
  lingerMs: 30_000,
  headMs: 10_000,
  answerIdleMs: 120_000,
  connections: 8192,
  viewers: 4096,
  viewerBufferBytes: 1024 * 1024,
  viewerFrameBytes: 64 * 1024,
  viewerMessagesPerSecond: 20,
};
