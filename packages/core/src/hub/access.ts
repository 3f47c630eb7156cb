import { TwinfoldError } from "../errors.js";
import type { AccountId, WorkspaceId } from "../ids.js";
import type { HubStore, Role } from "../metadata/hub-store.js";

/** Whether a member may change the workspace. */
export function mayWrite(role: Role): boolean {
  return role !== "viewer";
}

/** The one place where permission is judged: membership of the workspace, at each call. */
export interface Access {
  /** `undefined`: for this account there is no such workspace. */
  role(workspaceId: WorkspaceId): Promise<Role | undefined>;
  /** @throws {TwinfoldError} `ERR_NOT_FOUND`, alike for a workspace of others and for none. */
  mustRead(workspaceId: WorkspaceId): Promise<Role>;
  /** @throws {TwinfoldError} `ERR_NOT_FOUND`; `ERR_PERMISSION_DENIED` for a viewer. */
  mustWrite(workspaceId: WorkspaceId): Promise<void>;
}

export function createAccess(store: HubStore, accountId: AccountId): Access {
  const mustRead = async (workspaceId: WorkspaceId): Promise<Role> => {
    const role = await store.role(workspaceId, accountId);
    if (role === undefined) throw noSuchWorkspace(workspaceId);
    return role;
  };
  return {
    role: (workspaceId) => store.role(workspaceId, accountId),
    mustRead,
    async mustWrite(workspaceId) {
      if (mayWrite(await mustRead(workspaceId))) return;
      throw new TwinfoldError("ERR_PERMISSION_DENIED", `workspace ${workspaceId} may be read by this account, not changed; ask its owner to make you an editor`);
    },
  };
}

export function noSuchWorkspace(workspaceId: WorkspaceId): TwinfoldError {
  return new TwinfoldError("ERR_NOT_FOUND", `there is no workspace ${workspaceId} for this account`);
}
