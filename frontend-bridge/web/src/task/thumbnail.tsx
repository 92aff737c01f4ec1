import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { mediaTypeOf } from '../../../../src/model/media-type.js';
import { contentQuery } from '../api/queries.js';
import { type Content, contentOf, elsewhere, isDrawn, mediaIn } from '../values/content.js';
import { numbersIn } from '../values/lists.js';
import { useAddress } from '../values/picture.js';
import { Sparkline } from '../values/sparkline.js';

/** Larger pictures are not read for a thumbnail. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Of an object, no more fields are looked through. */
const MOST_FIELDS = 50;

export interface ThumbnailProps {
  /** A module's output. */
  readonly output: unknown;
  readonly type: string;
  /** Where its bytes are, under `/v1`. */
  readonly bytesAt: string;
}

/** What an output looks like: its picture, or the line of its numbers. Nothing for any other output. */
export function Thumbnail({ output, type, bytesAt }: ThumbnailProps): ReactNode {
  const seen = useMemo(() => lookOf(output, type), [output, type]);
  const size = elsewhere(output)?.size ?? Number.POSITIVE_INFINITY;
  const isPicture = isDrawn(mediaTypeOf(type) ?? '') && size <= MOST_BYTES;
  const found = useQuery({ ...contentQuery(bytesAt, type), enabled: isPicture });
  const content = found.data ?? (seen?.kind === 'picture' ? seen.content : undefined);
  if (content) return <Small content={content} />;
  if (seen?.kind !== 'line') return null;
  // The card says what it is; the panel has the numbers.
  return (
    <span className="thumbnail" aria-hidden>
      <Sparkline numbers={seen.numbers} small />
    </span>
  );
}

function Small({ content }: { content: Content }): ReactNode {
  const address = useAddress(content);
  return address === undefined ? null : <img className="thumbnail" src={address} alt="" />;
}

type Look =
  | { readonly kind: 'picture'; readonly content: Content }
  | { readonly kind: 'line'; readonly numbers: readonly number[] };

/** Of an object, the first picture, or the first list of numbers, among its fields. */
function lookOf(output: unknown, type: string): Look | undefined {
  const whole = contentOf(output, type);
  if (whole) return isDrawn(whole.mediaType) ? { kind: 'picture', content: whole } : undefined;
  const structure = plainOf(output);
  if (typeof structure !== 'object' || structure === null) return undefined;
  const parts = [output];
  if (!Array.isArray(structure))
    for (const [, part] of entriesOf(output as object).slice(0, MOST_FIELDS)) parts.push(part);
  const picture = parts.map(mediaIn).find((content) => content && isDrawn(content.mediaType));
  if (picture) return { kind: 'picture', content: picture };
  const numbers = parts.map(numbersIn).find((list) => list !== undefined);
  return numbers && { kind: 'line', numbers };
}
