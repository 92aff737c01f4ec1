import { TuttiError } from '../base/errors.js';

/** The person's input is invalid: the command, the recording or an input. */
export class InputError extends TuttiError {
  override readonly name: string = 'InputError';
}
