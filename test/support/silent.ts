import { pino } from 'pino';
import type { Logger } from '../../src/base/logger.js';

/** A log that nobody reads. */
export const silent: Logger = pino({ enabled: false });
