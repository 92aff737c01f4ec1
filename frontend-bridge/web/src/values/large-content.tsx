import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { isBytes } from '../../../../src/model/media-type.js';
import { formatSize } from '../../../../src/model/shown-numbers.js';
import { contentQuery } from '../api/queries.js';
import { download } from '../json/download.js';
import { BytesView } from './bytes-view.js';
import { SaveButton } from './save-button.js';

/** More is not read into the page. */
const MOST_BYTES = 64 * 1024 * 1024;

/** An output that is too large to be within its value: read from where it is, if its kind is to be looked at. */
export function LargeContent(props: {
  name: string;
  type: string | undefined;
  size: number;
  bytesAt: string | undefined;
}): ReactNode {
  const { name, type, size, bytesAt } = props;
  const isShown = type !== undefined && isBytes(type) && size <= MOST_BYTES;
  const found = useQuery({
    ...contentQuery(bytesAt ?? '', type ?? ''),
    enabled: isShown && bytesAt !== undefined,
  });
  if (found.data) return <BytesView name={name} bytesAt={bytesAt} content={found.data} />;
  return (
    <div className="value">
      <div className="value-tools">
        <span className="value-note figure">
          {type ?? 'a value'}, {formatSize(size)}
        </span>
        {bytesAt !== undefined && (
          <SaveButton label="Download" save={() => download(`${bytesAt}/file`, name)} />
        )}
      </div>
      {found.isError && <p className="fault">{found.error.message}</p>}
      {found.isFetching && <p className="none">Reading …</p>}
    </div>
  );
}
