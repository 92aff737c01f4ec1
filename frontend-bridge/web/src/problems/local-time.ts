/** Between a time as the API has it and a field of type `datetime-local`, which is in the viewer's zone, to the minute. */

/** The field's value for a time; empty for none. */
export function toLocalInput(time: string | undefined): string {
  if (time === undefined) return '';
  const moment = new Date(time);
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The time that a field's value stands for; nothing for an empty or unfinished one. */
export function fromLocalInput(value: string): string | undefined {
  const moment = new Date(value);
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}
