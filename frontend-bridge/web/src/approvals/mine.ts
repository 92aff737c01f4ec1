/** Which approvals wait for the person who looks at the page: by their role, and by the one that a graph asks. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { mayDecide } from '../../../../src/model/access.js';
import { APPROVAL_ROLES } from '../../../../src/model/approval.js';
import { approvalsQuery } from '../api/queries.js';
import { useRole } from '../connection/may.js';
import type { ApprovalsView, Snapshot } from '../state/views.js';

/** Those that the person may decide: none is read for somebody who may decide nothing. */
export function useMyApprovals(): UseQueryResult<Snapshot<ApprovalsView>> {
  const role = useRole();
  const mine = APPROVAL_ROLES.filter((asked) => role !== undefined && mayDecide(role, asked));
  const isAll = mine.length === APPROVAL_ROLES.length;
  const wanted = isAll ? undefined : (mine[0] ?? 'author');
  return useQuery({ ...approvalsQuery(wanted), enabled: mine.length > 0 });
}
