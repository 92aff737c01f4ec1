import type { ReactNode } from 'react';
import { type Content, textIn } from './content.js';

/** A page of somebody else: it has no script, no origin, no form and no way out of its frame, and it loads nothing. */
export function HtmlFrame({ content, name }: { content: Content; name: string }): ReactNode {
  return (
    <iframe className="html-frame" sandbox="" srcDoc={textIn(content)} title={`${name}, a page in HTML`} />
  );
}
