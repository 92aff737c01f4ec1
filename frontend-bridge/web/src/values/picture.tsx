import { type ReactNode, useEffect, useState } from 'react';
import type { Content } from './content.js';
import { Hex } from './hex.js';

const TINY_PX = 64;

/** A picture as large as there is room. A file that is not such a picture is shown as its bytes. */
export function Picture({ content, name }: { content: Content; name: string }): ReactNode {
  const address = useAddress(content);
  const [size, setSize] = useState<readonly [number, number]>();
  const [isBroken, setBroken] = useState(false);
  const isTiny = size !== undefined && Math.max(...size) <= TINY_PX;
  if (isBroken) return <Hex bytes={content.bytes} />;
  if (address === undefined) return null;
  return (
    <figure className={isTiny ? 'picture picture-tiny' : 'picture'}>
      <img
        src={address}
        alt={name}
        onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
          setSize([width, height])
        }
        onError={() => setBroken(true)}
      />
      {size !== undefined && <figcaption className="value-note figure">{size.join(' × ')}</figcaption>}
    </figure>
  );
}

/** An address of these bytes within this page, as long as they are shown. */
export function useAddress({ bytes, mediaType }: Content): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type: mediaType }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes, mediaType]);
  return address;
}
