import type { Access, AuthRequest, Permission } from '../base/auth-operation.js';
import { InvalidArgumentError, PermissionNotGivenError } from '../base/errors.js';
import { fromRangeFields, toRangeFields } from './convert-requests.js';
import type * as pb from './gen/auth.js';
import { type Permission as PermissionMessage, Permission_Type as PermissionType } from './gen/authpb.js';
import type { ResponseHeader } from './gen/header.js';
import { type AuthPort, type HeaderPort, headerOf } from './ports.js';

const ACCESS: Partial<Record<PermissionType, Access>> = {
  [PermissionType.READ]: 'read',
  [PermissionType.WRITE]: 'write',
  [PermissionType.READWRITE]: 'readWrite',
};
const PERMISSION_TYPE: Readonly<Record<Access, PermissionType>> = {
  read: PermissionType.READ,
  write: PermissionType.WRITE,
  readWrite: PermissionType.READWRITE,
};

/** An answer that says only that it was done. */
interface Done {
  header: ResponseHeader;
}

/** etcd's Auth service over a member, whatever carries its messages. Each call throws what the member throws. */
export class AuthService {
  readonly #port: HeaderPort & { readonly auth: AuthPort };

  constructor(port: HeaderPort & { readonly auth: AuthPort }) {
    this.#port = port;
  }

  authEnable(): Promise<Done> {
    return this.#change({ type: 'enable' });
  }

  authDisable(): Promise<Done> {
    return this.#change({ type: 'disable' });
  }

  async authStatus(): Promise<pb.AuthStatusResponse> {
    const { enabled, authRevision } = await this.#port.auth.status();
    return { header: headerOf(this.#port), enabled, authRevision };
  }

  async authenticate({ name, password }: pb.AuthenticateRequest): Promise<pb.AuthenticateResponse> {
    const token = await this.#port.auth.authenticate(name, password);
    return { header: headerOf(this.#port), token };
  }

  async userAdd({ name, password, options, hashedPassword }: pb.AuthUserAddRequest): Promise<Done> {
    assertNotHashed(hashedPassword);
    return this.#change({ type: 'userAdd', name, password: options?.noPassword ? undefined : password });
  }

  async userGet({ name }: pb.AuthUserGetRequest): Promise<pb.AuthUserGetResponse> {
    const roles = await this.#port.auth.userRoles(name);
    return { header: headerOf(this.#port), roles: [...roles] };
  }

  async userList(): Promise<pb.AuthUserListResponse> {
    const users = await this.#port.auth.users();
    return { header: headerOf(this.#port), users: [...users] };
  }

  userDelete({ name }: pb.AuthUserDeleteRequest): Promise<Done> {
    return this.#change({ type: 'userDelete', name });
  }

  async userChangePassword({ name, password, hashedPassword }: pb.AuthUserChangePasswordRequest): Promise<Done> {
    assertNotHashed(hashedPassword);
    return this.#change({ type: 'userPassword', name, password });
  }

  userGrantRole({ user, role }: pb.AuthUserGrantRoleRequest): Promise<Done> {
    return this.#change({ type: 'userGrant', name: user, role });
  }

  userRevokeRole({ name, role }: pb.AuthUserRevokeRoleRequest): Promise<Done> {
    return this.#change({ type: 'userRevoke', name, role });
  }

  roleAdd({ name }: pb.AuthRoleAddRequest): Promise<Done> {
    return this.#change({ type: 'roleAdd', role: name });
  }

  async roleGet({ role }: pb.AuthRoleGetRequest): Promise<pb.AuthRoleGetResponse> {
    const permissions = await this.#port.auth.permissions(role);
    return { header: headerOf(this.#port), perm: permissions.map(toPermissionMessage) };
  }

  async roleList(): Promise<pb.AuthRoleListResponse> {
    const roles = await this.#port.auth.roles();
    return { header: headerOf(this.#port), roles: [...roles] };
  }

  roleDelete({ role }: pb.AuthRoleDeleteRequest): Promise<Done> {
    return this.#change({ type: 'roleDelete', role });
  }

  /** @throws {@link PermissionNotGivenError}, {@link InvalidArgumentError} */
  async roleGrantPermission({ name, perm }: pb.AuthRoleGrantPermissionRequest): Promise<Done> {
    if (perm === undefined) throw new PermissionNotGivenError();
    return this.#change({ type: 'roleGrant', role: name, permission: fromPermissionMessage(perm) });
  }

  roleRevokePermission({ role, ...range }: pb.AuthRoleRevokePermissionRequest): Promise<Done> {
    return this.#change({ type: 'roleRevoke', role, range: fromRangeFields(range) });
  }

  async #change(request: AuthRequest): Promise<Done> {
    const { revision } = await this.#port.auth.change(request);
    return { header: headerOf(this.#port, revision) };
  }
}

/** etcd's own hashes are bcrypt's, by which passwords are not checked here. */
function assertNotHashed(hashedPassword: string): void {
  if (hashedPassword === '') return;
  throw new InvalidArgumentError(
    'hashedPassword',
    'given',
    'absent: send the password itself, over TLS; it is hashed here',
  );
}

function fromPermissionMessage(message: PermissionMessage): Permission {
  const access = ACCESS[message.permType];
  if (access === undefined) throw new InvalidArgumentError('permType', message.permType, 'READ, WRITE or READWRITE');
  return { ...fromRangeFields(message), access };
}

function toPermissionMessage({ access, ...range }: Permission): PermissionMessage {
  return { permType: PERMISSION_TYPE[access], ...toRangeFields(range) };
}
