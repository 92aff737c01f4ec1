/**
 * The bounds of everything in a frame that a node sends. They are enforced where frames are decoded,
 * so that they hold for nodes of any implementation; `docs/node-protocol.md` lists them.
 *
 * Free text that is too long is cut, with a mark that says so. An identifier that is too long is refused, since a part of it would be
 * another one. A text is measured as JSON in UTF-8, which is how it is stored and shown: a control character counts six bytes.
 */

const KIB = 1024;

/** The whole first frame of a connection: a hello with its labels, about 500 executions, or the schemas of some dozen types. */
export const MAX_HELLO_BYTES: number = 64 * KIB;
/** Of one frame: an SDK sends more than that in several. A message of six bytes takes some hundred in memory. */
export const MAX_MESSAGES_PER_FRAME = 4_096;
/** Of all messages of one frame together: entries of lists and maps included. */
export const MAX_FIELDS_PER_FRAME = 262_144;

/** Names, ids, versions: characters. Longer ones would only be stored and repeated. */
export const MAX_NAME_CHARS = 256;
/** A token: characters. */
export const MAX_TOKEN_CHARS = 1_024;
/** Labels are for choosing nodes by, and kept with every node. */
export const MAX_LABELS = 64;
/** Types that a node says it was written against. */
export const MAX_SCHEMAS = 256;
/** Executions that a node holds: more than any process plays. */
export const MAX_HELD = 65_536;

/** A line of an execution's log. */
export const MAX_LOG_BYTES: number = 8 * KIB;
export const MAX_LOG_FIELDS = 64;
/** One field's value. */
export const MAX_LOG_FIELD_BYTES: number = 1 * KIB;
/** Names and values of all fields of a line. */
export const MAX_LOG_FIELDS_BYTES: number = 8 * KIB;
/** The words of a command, as an agent tells them: a person reads the first of many. */
export const MAX_COMMAND_WORDS = 256;
/** One of them, and each other text that an agent tells of a command. */
export const MAX_COMMAND_WORD_BYTES: number = 2 * KIB;
/** All of them together. */
export const MAX_COMMAND_BYTES: number = 8 * KIB;
/** An error's message: its class, its cause, and a few lines. */
export const MAX_ERROR_BYTES: number = 4 * KIB;
/** An error's stack as UTF-8: some 150 lines, and small enough for an event. As JSON it may be twice as long. */
export const MAX_STACK_BYTES: number = 16 * KIB;
/** The details of an error besides its message, by name. */
export const MAX_ERROR_DETAILS = 16;
/** One of them: the last lines of a command's stderr. */
export const MAX_ERROR_DETAIL_BYTES: number = 4 * KIB;
/** Names and values of all of them. */
export const MAX_ERROR_DETAILS_BYTES: number = 8 * KIB;
/** The message of an execution's progress, or of its end. */
export const MAX_PROGRESS_BYTES: number = 1 * KIB;
/** A configuration that a node gives back; one that is cut would be another, so a longer one is refused. */
export const MAX_CONFIGURATION_BYTES: number = 256 * KIB;

/** How long a stored blob stays without anything that refers to it. */
export const BLOB_LEASE_MS: number = 24 * 60 * 60 * 1000;
