import { type ReactNode, useContext } from 'react';
import ReactMarkdown, { defaultUrlTransform } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { HeadingAbove } from './heading-above.js';

/** A text in Markdown, with tables. HTML within it is shown as text; pictures come from the text itself, never from elsewhere. */
export default function Markdown({ text }: { text: string }): ReactNode {
  const level = useContext(HeadingAbove);
  return (
    <div className="markdown">
      <ReactMarkdown remarkPlugins={[remarkGfm]} components={COMPONENTS[level]} urlTransform={addressOf}>
        {text}
      </ReactMarkdown>
    </div>
  );
}

function addressOf(url: string, attribute: string): string {
  if (attribute !== 'src') return defaultUrlTransform(url);
  return /^data:image\/(png|jpeg|gif|webp);/.test(url) ? url : '';
}

const PARTS = {
  a: ({ href, children }: { href?: string | undefined; children?: ReactNode }) => (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  ),
  img: ({ src, alt }: { src?: string | Blob | undefined; alt?: string | undefined }) =>
    src ? <img src={String(src)} alt={alt ?? ''} /> : <em>{alt || 'a picture from elsewhere'}</em>,
} as const;

/** A heading of a report stands below those of the page. */
const COMPONENTS = {
  2: { ...PARTS, h1: 'h3', h2: 'h4', h3: 'h5' },
  3: { ...PARTS, h1: 'h4', h2: 'h5', h3: 'h6' },
} as const;
