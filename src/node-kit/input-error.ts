import { TuttiError } from '../base/errors.js';

/** What the person gave is at fault: the command, the recording or an input. */
export class InputError extends TuttiError {
  override readonly name: string = 'InputError';
}
