/** A node's messages about the address that it dials. */
import { TuttiError } from '../base/errors.js';

/** The message where the other end answers in HTTP. */
export const HTTP_PORT =
  'that is an HTTP port; use the control address (its port is 7400 unless set otherwise)';

const HTTP = /P\/1\.[01] \d{3} |\r\n[\w-]+: |"; charset=/;

/** Whether a frame is a part of an answer in HTTP: libzmq takes its first bytes for a header. */
export function isHttp(frame: Uint8Array): boolean {
  return HTTP.test(
    Buffer.from(frame.buffer, frame.byteOffset, Math.min(frame.byteLength, 1_024)).toString('latin1'),
  );
}

/** A final refusal that says who has refused. */
export function withAddress({ code, message, hint, details }: TuttiError, control: string): TuttiError {
  return new TuttiError(code, `${control}: ${message}`, { ...(hint !== undefined && { hint }), details });
}
