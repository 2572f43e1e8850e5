/** What can be asked about users and roles, as plain data; the meaning is that of etcd's Auth service. */
import type { KeyRange } from './key-value.js';

/** What a permission allows to be done with its keys. */
export type Access = 'read' | 'write' | 'readWrite';

/** One key or a range of keys, and what may be done with them. */
export interface Permission extends KeyRange {
  readonly access: Access;
}

/** A change of users, of roles, or of whether anybody is asked for them. Passwords are as people type them. */
export type AuthRequest =
  | { readonly type: 'enable' | 'disable' }
  /** Without a password the user can be known by a certificate alone. */
  | { readonly type: 'userAdd'; readonly name: string; readonly password: string | undefined }
  | { readonly type: 'userPassword'; readonly name: string; readonly password: string }
  | { readonly type: 'userDelete'; readonly name: string }
  | { readonly type: 'userGrant' | 'userRevoke'; readonly name: string; readonly role: string }
  | { readonly type: 'roleAdd' | 'roleDelete'; readonly role: string }
  | { readonly type: 'roleGrant'; readonly role: string; readonly permission: Permission }
  | { readonly type: 'roleRevoke'; readonly role: string; readonly range: KeyRange };

/** Whether callers must say who they are, and how often users and roles were changed. */
export interface AuthStatus {
  readonly enabled: boolean;
  readonly authRevision: number;
}
