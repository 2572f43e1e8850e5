import type { AuthRequest } from '../../base/auth-operation.js';
import { everything, range } from '../../base/key-range.js';
import type { KeyRange } from '../../base/key-value.js';
import type { Member } from '../../member/member.js';
import { assertSame } from './codec-target.js';
import type { CallerName } from './member-scene.js';

const PASSWORD = 'a password that is not drawn';
const NO_RIGHT_TO = ['a', 'aa', 'c', '\xff'];
const LEASE_TTL_SECONDS = 100_000;
/** What the scene itself writes. */
const SCENES_OWN = /^(check |tidied)/;

/** A member with authentication: who may what, and what must stay as it is whatever they try. */
export class Guard {
  /** Who has the few rights: to what is here. Beside that, they may read what is before it. */
  readonly theirs: KeyRange = range('b', 'c');
  /** A lease on which a key depends that they may not change. */
  readonly lease = 77n;
  readonly root = { user: 'root', password: PASSWORD };
  readonly tokens: Record<CallerName, string | undefined>;
  readonly #member: Member;
  #before: unknown;

  private constructor(member: Member, endedToken: string) {
    this.#member = member;
    this.tokens = { nobody: undefined, forged: 'AAAAAAAAAAAAAAAA.3', ended: endedToken, few: undefined };
  }

  static async over(member: Member): Promise<Guard> {
    const readable = range('a', 'b');
    const changes: readonly AuthRequest[] = [
      ...['root', 'few'].map((name) => ({ type: 'userAdd', name, password: PASSWORD }) as const),
      ...['root', 'some'].map((role) => ({ type: 'roleAdd', role }) as const),
      { type: 'roleGrant', role: 'some', permission: { ...range('b', 'c'), access: 'readWrite' } },
      { type: 'roleGrant', role: 'some', permission: { ...readable, access: 'read' } },
      { type: 'userGrant', name: 'root', role: 'root' },
      { type: 'userGrant', name: 'few', role: 'some' },
      { type: 'enable' },
    ];
    for (const change of changes) await member.auth.change(change);
    const endedToken = await member.auth.authenticate('few', PASSWORD);
    await member.auth.change({ type: 'userPassword', name: 'few', password: PASSWORD });
    const guard = new Guard(member, endedToken);
    await guard.#furnish();
    return guard;
  }

  /** They end when they are long not used. */
  async renewTokens(): Promise<void> {
    this.tokens.few = await this.#member.auth.authenticate('few', PASSWORD);
  }

  /** @throws {@link Finding} if anything has changed that nobody who calls has a right to change */
  async assertUntouched(): Promise<void> {
    assertSame(await this.#present(), this.#before, 'those without rights have changed nothing');
  }

  async #furnish(): Promise<void> {
    await this.#member.leaseGrant(this.lease, LEASE_TTL_SECONDS);
    for (const name of NO_RIGHT_TO) {
      const lease = name === 'a' ? this.lease : undefined;
      const key = Buffer.from(name, 'latin1');
      await this.#member.put({ type: 'put', key, value: Buffer.from('as it was'), ...(lease && { lease }) });
    }
    await this.renewTokens();
    this.#before = await this.#present();
  }

  /** All that they must leave alone. */
  async #present(): Promise<unknown> {
    const { auth } = this.#member;
    const [users, roles] = [await auth.users(), await auth.roles()];
    const lease = await this.#member.leaseTimeToLive(this.lease, true);
    const { kvs } = await this.#member.range({ type: 'range', ...everything() });
    return {
      status: await auth.status(),
      users: await Promise.all(users.map(async (name) => [name, await auth.userRoles(name)])),
      roles: await Promise.all(roles.map(async (role) => [role, await auth.permissions(role)])),
      members: await this.#member.members({ linearizable: false }),
      alarms: this.#member.status().alarms,
      keys: kvs.filter(({ key }) => !SCENES_OWN.test(Buffer.from(key).toString('latin1')) && !this.#isTheirs(key)),
      lease: [lease.keys, lease.grantedTtlSeconds],
    };
  }

  #isTheirs(key: Uint8Array): boolean {
    return key[0] === (this.theirs.key[0] as number);
  }
}
