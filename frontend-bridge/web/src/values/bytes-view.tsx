import { type ReactNode, useState } from 'react';
import { readExactly } from '../../../../src/base/json/exact.js';
import { download, downloadFile } from '../json/download.js';
import { JsonValue } from '../json/value.js';
import { type Content, textIn } from './content.js';
import { ContentView } from './content-view.js';
import { Hex } from './hex.js';
import { SaveButton } from './save-button.js';
import { Ways } from './ways.js';

export interface BytesViewProps {
  readonly content: Content;
  readonly name: string;
  /** Where the output is, under `/v1`. */
  readonly bytesAt: string | undefined;
}

/** Bytes as people look at their kind, or as bytes. */
export function BytesView({ content, name, bytesAt }: BytesViewProps): ReactNode {
  const [way, setWay] = useState<'view' | 'bytes'>('view');
  return (
    <div className="value">
      <div className="value-tools">
        <Ways ways={{ view: 'View', bytes: 'Bytes' }} chosen={way} name={name} onChoose={setWay} />
        <SaveButton
          label="Download"
          save={async () =>
            bytesAt === undefined
              ? downloadFile(name, content.bytes, content.mediaType)
              : download(`${bytesAt}/file`, name)
          }
        />
      </div>
      {way === 'view' ? <Viewed content={content} name={name} /> : <Hex bytes={content.bytes} />}
    </div>
  );
}

/** JSON is read as any other value is. */
function Viewed({ content, name }: { content: Content; name: string }): ReactNode {
  const json = content.mediaType === 'application/json' ? jsonIn(content) : undefined;
  return json ? <JsonValue value={json.value} /> : <ContentView content={content} name={name} />;
}

function jsonIn(content: Content): { readonly value: unknown } | undefined {
  try {
    return { value: readExactly(textIn(content)) };
  } catch {
    return undefined;
  }
}
