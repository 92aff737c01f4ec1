import { useQuery } from '@tanstack/react-query';
import { type Action, mayDo, ROLES } from '../../../../src/model/access.js';
import { meQuery } from '../api/queries.js';

/** Whether the person may do this; as long as their role is not known, no. */
export function useMay(action: Action): boolean {
  const role = useQuery(meQuery()).data?.role;
  const known = ROLES.find((one) => one === role);
  return known !== undefined && mayDo(known, action);
}
