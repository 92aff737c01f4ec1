/** The audit, page by page: entries are looked at from the newest on, and a page ends where it is full or has looked at enough of them. */
import type { AuditEntryJson } from '../../contract/audit.js';
import type { AuditFilter, Page, PageRequest, Refusal, View } from '../port.js';
import type { AuditRow } from '../tables/records.js';
import { audit } from '../tables/tables.js';
import type { Moment } from './moment.js';
import { badCursor, isRefusal, limitOf, readCursor, writeCursor } from './pages.js';

/** Some tenths of a second. */
const MOST_LOOKED_AT = 50_000;
const PAGE = 500;

export async function listAudit(
  moment: Moment,
  filter: AuditFilter,
  page: PageRequest,
): Promise<Page<View> | Refusal> {
  const after = readCursor(page.cursor);
  if (isRefusal(after)) return after;
  if (after && (after.length !== 1 || typeof after[0] !== 'number')) return badCursor(page.cursor!);
  const limit = limitOf(page);
  const fits = fitting(filter);
  const items: View[] = [];
  let lookedAt = 0;
  const walk = {
    prefix: [],
    reverse: true,
    page: PAGE,
    first: Math.min(PAGE, limit + 1),
    ...(after && { after }),
  };
  let last = 0;
  for await (const { row } of audit.walk(moment.reader, walk)) {
    if (items.length === limit || lookedAt === MOST_LOOKED_AT)
      return { items, next_cursor: writeCursor([last]) };
    lookedAt += 1;
    last = row.audit_id;
    if (fits(row)) items.push(auditView(row));
    await moment.slices.rest();
  }
  return { items, next_cursor: null };
}

function fitting({
  by,
  address,
  action,
  result,
  project,
  after,
  before,
}: AuditFilter): (row: AuditRow) => boolean {
  const [from, until] = [after, before].map((time) => (time === undefined ? undefined : Date.parse(time)));
  return (row) =>
    (by === undefined || row.by === by) &&
    (address === undefined || row.address === address) &&
    (action === undefined || row.action === action) &&
    (result === undefined || row.result === result) &&
    (project === undefined || row.project === project) &&
    (from === undefined || row.last_at > from) &&
    (until === undefined || row.at < until);
}

function auditView({ at, last_at, ...row }: AuditRow): View {
  const { audit_id, times, by, access_id, address, project, action, operation, target, result } = row;
  const entry: AuditEntryJson = {
    audit_id,
    at: new Date(at).toISOString(),
    last_at: new Date(last_at).toISOString(),
    times,
    ...{ by: by ?? null, access_id: access_id ?? null, address: address ?? null, project: project ?? null },
    ...{ action, operation, target: target ?? {}, result },
    ...{ code: row.code ?? null, message: row.message ?? null },
  };
  return { ...entry };
}
