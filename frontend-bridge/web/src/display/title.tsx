import type { ReactNode } from 'react';
import { shortId } from '../../../../src/model/short-id.js';

/** Controls of a terminal, and those that turn the order of what follows them. Joiners stay: emoji and many scripts need them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
/** Something that can be seen: not a space, a control, a filler or an accent without its letter. */
const SEEN = /[^\p{C}\p{Z}\p{M}\u115f\u1160\u2800\u3164\uffa0]/u;

/** Text from others, with its control characters as escapes. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The name of a problem whose title is empty, or has no visible characters. */
export function titleOf(title: string | null | undefined, problemId: string): string {
  return title != null && SEEN.test(title) ? visible(title) : `Problem ${shortId(problemId)}`;
}

/** Text from others within a line: whatever its direction, what stands around it keeps its own. */
export function Foreign({ text }: { text: string }): ReactNode {
  return <bdi>{visible(text)}</bdi>;
}
