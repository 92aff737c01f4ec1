import { useQuery } from '@tanstack/react-query';
import { type Action, mayDo, ROLES, type Role } from '../../../../src/model/access.js';
import { meQuery } from '../api/queries.js';

/** Of the person who looks at the page; nothing as long as it is not known. */
export function useRole(): Role | undefined {
  const role = useQuery(meQuery()).data?.role;
  return ROLES.find((one) => one === role);
}

/** Whether the person may do this; as long as their role is not known, no. */
export function useMay(action: Action): boolean {
  const role = useRole();
  return role !== undefined && mayDo(role, action);
}
