import { lazy, type ReactNode, Suspense } from 'react';
import { isTextual } from '../../../../src/model/media-type.js';
import { formatSize } from '../../../../src/model/shown-numbers.js';
import { type Content, isDrawn, textIn } from './content.js';
import { Hex } from './hex.js';
import { HtmlFrame } from './html-frame.js';
import { Picture } from './picture.js';

const Markdown = lazy(() => import('./markdown.js'));
const CsvTable = lazy(() => import('./csv-table.js'));
const NpyView = lazy(() => import('./npy-view.js'));

/** Longer texts are not shown to their end. */
const MOST_CHARACTERS = 200_000;

/** Bytes of a kind, as people look at that kind; of any other, what they are and the first of them. */
export function ContentView({ content, name }: { content: Content; name: string }): ReactNode {
  return (
    <div className="content">
      <p className="value-note figure">
        {content.mediaType}, {formatSize(content.bytes.length)}
      </p>
      <Suspense fallback={<p className="none">Reading …</p>}>
        <Shown content={content} name={name} />
      </Suspense>
    </div>
  );
}

function Shown({ content, name }: { content: Content; name: string }): ReactNode {
  const { mediaType, bytes } = content;
  if (bytes.length === 0) return <p className="none">Empty.</p>;
  if (isDrawn(mediaType)) return <Picture content={content} name={name} />;
  switch (mediaType) {
    case 'text/markdown':
      return <Markdown text={textIn(content)} />;
    case 'text/html':
      return <HtmlFrame content={content} name={name} />;
    case 'text/csv':
    case 'text/tab-separated-values':
      return <CsvTable text={textIn(content)} name={name} />;
    case 'application/x-npy':
      return <NpyView content={content} name={name} />;
    default:
      return isTextual(mediaType) ? <Text text={textIn(content)} /> : <Hex bytes={bytes} />;
  }
}

function Text({ text }: { text: string }): ReactNode {
  const rest = text.length - MOST_CHARACTERS;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
    <section className="raw" tabIndex={0} aria-label="Text">
      <pre>{rest > 0 ? text.slice(0, MOST_CHARACTERS) : text}</pre>
      {rest > 0 && <p className="value-note">and {rest.toLocaleString('en-US')} more characters</p>}
    </section>
  );
}
