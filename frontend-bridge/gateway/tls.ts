/** The certificate and the key of the gateway: two files in PEM, read again when they have been renewed. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf, TuttiError } from '../../src/base/errors.js';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  /** With those of the authorities between it and a root, if there are any. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When the certificate expires, as it says it. */
  readonly validTo: string;
}

/** Throws `TuttiError` `bad_tls`: a file cannot be read, is of another format, or the key is not that of the certificate. */
export function readTlsPair(files: TlsFiles): TlsPair {
  const cert = readPem(files.cert, '--tls-cert');
  const key = readPem(files.key, '--tls-key');
  try {
    createSecureContext({ cert, key });
    return { cert, key, validTo: new X509Certificate(cert).validTo };
  } catch (cause) {
    const message = `The certificate ${files.cert} and the key ${files.key} cannot be used together: ${messageOf(cause)}`;
    throw new TuttiError('bad_tls', message, {
      hint: 'Give a certificate and its own key, without a passphrase, both in PEM.',
      cause,
    });
  }
}

function readPem(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new TuttiError('bad_tls', `The file of ${option} cannot be read: ${messageOf(cause)}`, {
      hint: 'Check the path and its permissions.',
      cause,
    });
  }
}
