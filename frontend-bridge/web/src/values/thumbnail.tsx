import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { mediaTypeOf } from '../../../../src/model/media-type.js';
import { contentQuery } from '../api/queries.js';
import { contentOf, mediaIn } from './content.js';
import { numbersIn } from './lists.js';
import { Picture } from './picture.js';
import { Sparkline } from './sparkline.js';

export interface ThumbnailProps {
  readonly name: string;
  readonly value: unknown;
  readonly type: string;
  /** Where its bytes are under `/v1`, for a picture that is not within its value. */
  readonly bytesAt: string;
}

/** A picture or a list of numbers in small; nothing for anything else. */
export function Thumbnail({ name, value, type, bytesAt }: ThumbnailProps): ReactNode {
  const here = contentOf(value, type) ?? mediaIn(value);
  const isElsewhere = here === undefined && mediaTypeOf(type)?.startsWith('image/') === true;
  const found = useQuery({ ...contentQuery(bytesAt, type), enabled: isElsewhere });
  const content = here ?? found.data;
  if (content?.mediaType.startsWith('image/'))
    return <Picture content={content} name={`${name}, in small`} small />;
  const numbers = numbersIn(value);
  return numbers ? <Sparkline numbers={numbers} small /> : null;
}
