/** The descriptive fields of a problem. People may change them at any time, regardless of its iterations. */
export interface Remarks {
  /** Empty: it has none. */
  readonly title: string;
  /** In the order in which they were given, each once. */
  readonly tags: readonly string[];
  /** Markdown. */
  readonly notes: string;
  readonly starred: boolean;
  readonly archived: boolean;
}

/** A problem that has unfinished iterations, or that the batch in hand is about. */
export interface Problem extends Remarks {
  readonly problemId: string;
  readonly createdSeq: number;
  /** The newest `problem.changed`; absent before the first one. */
  readonly changedSeq: number | undefined;
  readonly graph: string;
  readonly project: string;
  readonly priority: number;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly newestIterationId: number;
  readonly unfinished: number;
}

export const NO_REMARKS: Remarks = { title: '', tags: [], notes: '', starred: false, archived: false };

/** A title is a line, not a text. */
export const MAX_TITLE_CHARACTERS = 1000;
export const MAX_TAGS = 20;
export const MAX_TAG_CHARACTERS = 64;
/** Letters, digits and `. _ : / + # @ -`, with single spaces between them: a tag stands in addresses, filters and tables. */
export const TAG_PATTERN: RegExp = /^[\p{L}\p{M}\p{N}._:/+#@-]+(?: [\p{L}\p{M}\p{N}._:/+#@-]+)*$/u;
/** Of UTF-8. They go with every event of their change and every row of their problem. */
export const MAX_NOTES_BYTES: number = 64 * 1024;

export const STARRED: string = 'starred';
export const ARCHIVED: string = 'archived';
const TAG = 'tag/';

/** The mark that a tag is found by. */
export function markOfTag(tag: string): string {
  return `${TAG}${tag}`;
}

/** The tag that a mark stands for, if it stands for one. */
export function tagOfMark(mark: string): string | undefined {
  return mark.startsWith(TAG) ? mark.slice(TAG.length) : undefined;
}

/** The marks by which a problem is found. */
export function marksOf({
  tags,
  starred,
  archived,
}: Pick<Remarks, 'tags' | 'starred' | 'archived'>): string[] {
  return [...(starred ? [STARRED] : []), ...(archived ? [ARCHIVED] : []), ...tags.map(markOfTag)];
}
