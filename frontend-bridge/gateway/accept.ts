const BYTES = ['application/x-protobuf', 'application/octet-stream'];

/** The type in which a client wants bytes, or nothing when it is content with JSON. */
export function wantsBytes(accept: string | undefined): string | undefined {
  let best: { type: string; weight: number } | undefined;
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = parameters.find((text) => text.startsWith('q='))?.slice(2);
    const weight = quality === undefined ? 1 : Number(quality) || 0;
    if (weight > 0 && (best === undefined || weight > best.weight)) best = { type, weight };
  }
  return best !== undefined && BYTES.includes(best.type) ? best.type : undefined;
}
