import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from './free-ports.js';
import { LinkRules } from './link-rules.js';
import { type EndpointStatus, Maintenance } from './maintenance.js';
import { type LifeOptions, MemberProcess } from './member-process.js';
import { type MemberProgram, programUnderTest } from './member-program.js';
import { type GateRules, PeerGate } from './peer-gate.js';
import { ownerOf } from './socket-owner.js';

const POLL_MS = 25;
const SERVE_MS = 30_000;
const SHOWN_LOG_BYTES = 6_000;

/** How to start a cluster. */
export interface ClusterOptions {
  /** Default: see {@link programUnderTest}. */
  readonly program?: MemberProgram;
  /** Default: 3. */
  readonly size?: number;
  /** Whether the ways between members can be cut. Then they lead through proxies in this process. Default: false. */
  readonly withLinks?: boolean;
  /** Further flags of every member, such as `['--election-timeout', '300']`. */
  readonly flags?: readonly string[];
  /** Where to make the temporary folder. Default: the system's place for them. */
  readonly under?: string;
  /** Where a member keeps its data, if not in the temporary folder. */
  readonly dataDirOf?: (name: string, folder: string) => string;
  /** Variables of one member's environment, in all its lives. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  readonly token?: string;
}

/**
 * Some members as processes of their own on loopback, with folders of their own, and everything that can happen to them.
 * All of it is gone after {@link stop}, and, should this process die first, soon after that.
 */
export class ProcessCluster {
  readonly folder: string;
  readonly #members: MemberProcess[];
  /** The members, those that they succeeded, and those that shall join. */
  readonly #everybody: MemberProcess[];
  readonly #turns = new Map<string, Promise<void>>();
  readonly #rules = new LinkRules();
  readonly #gates = new Map<string, PeerGate>();
  readonly #asking = new Map<string, Maintenance>();
  readonly #envOf: (name: string) => Readonly<Record<string, string>>;
  readonly program: MemberProgram;

  private constructor(
    { program, envOf = () => ({}) }: ClusterOptions & { readonly program: MemberProgram },
    folder: string,
    members: readonly MemberProcess[],
  ) {
    this.program = program;
    this.#envOf = envOf;
    this.folder = folder;
    this.#members = [...members];
    this.#everybody = [...members];
  }

  /** Who makes up the cluster now. */
  get members(): readonly MemberProcess[] {
    return this.#members;
  }

  /**
   * Starts a cluster, and waits until all its members serve.
   *
   * @throws with the members' logs, if they do not within 30 seconds
   */
  static async start(options: ClusterOptions = {}): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.prepare(options);
    try {
      for (const member of cluster.members) member.start();
      await cluster.untilServing();
      return cluster;
    } catch (error) {
      const told = cluster.explain(error);
      await cluster.stop();
      throw told;
    }
  }

  /** As {@link start}, with no member started yet. */
  static async prepare(options: ClusterOptions = {}): Promise<ProcessCluster> {
    const { program = programUnderTest(), size = 3, withLinks = false, flags = [], under = tmpdir() } = options;
    const folder = await mkdtemp(join(under, 'conclave-cluster-'));
    const names = Array.from({ length: size }, (_, at) => `m${at + 1}`);
    const ports = await freePorts((withLinks ? 3 : 2) * size);
    const portsOf = (at: number) => ({
      client: ports[at] as number,
      listen: ports[size + at] as number,
      advertised: ports[(withLinks ? 2 : 1) * size + at] as number,
    });
    const urlOf = (port: number) => `http://127.0.0.1:${port}`;
    const initialCluster = names.map((name, at) => `${name}=${urlOf(portsOf(at).advertised)}`).join(',');
    const members = names.map((name, at) => {
      const { client, listen, advertised } = portsOf(at);
      return new MemberProcess(program, {
        name,
        dataDir: options.dataDirOf?.(name, folder) ?? join(folder, name),
        clientUrl: urlOf(client),
        listenPeerUrl: urlOf(listen),
        peerUrl: urlOf(advertised),
        initialCluster,
        token: options.token ?? 'tested',
        state: 'new',
        flags,
        env: options.envOf?.(name) ?? {},
      });
    });
    const cluster = new ProcessCluster({ ...options, program }, folder, members);
    if (!withLinks) return cluster;
    for (const [at, name] of names.entries()) await cluster.#openGate(name, portsOf(at));
    return cluster;
  }

  /** All members' addresses, as `connect` takes them. */
  get url(): string {
    return this.members.map(({ clientUrl }) => clientUrl).join(',');
  }

  /** The member by its name. */
  member(name: string): MemberProcess {
    const member = this.members.find((one) => one.name === name);
    if (!member) throw new Error(`there is no member ${name}`);
    return member;
  }

  /** The members but for these. */
  others(...members: readonly MemberProcess[]): MemberProcess[] {
    return this.members.filter((member) => !members.includes(member));
  }

  /** A member by itself, for one that joins later: nothing of it is started. Its ways can be cut if the others' can. */
  async newcomer(name: string, flags: readonly string[] = []): Promise<MemberProcess> {
    const [client, listen, gate] = (await freePorts(3)) as [number, number, number];
    const advertised = this.#gates.size > 0 ? gate : listen;
    if (this.#gates.size > 0) await this.#openGate(name, { listen, advertised });
    const peerUrl = `http://127.0.0.1:${advertised}`;
    const { initialCluster, token } = (this.members[0] as MemberProcess).spec;
    const newcomer = new MemberProcess(this.program, {
      name,
      dataDir: join(this.folder, name),
      clientUrl: `http://127.0.0.1:${client}`,
      listenPeerUrl: `http://127.0.0.1:${listen}`,
      peerUrl,
      initialCluster: `${initialCluster},${name}=${peerUrl}`,
      token,
      state: 'existing',
      flags,
      env: this.#envOf(name),
    });
    this.#everybody.push(newcomer);
    return newcomer;
  }

  /** From now on the cluster is the same with another member in one's place; see {@link newcomer}. */
  async succeed(member: MemberProcess, successor: MemberProcess): Promise<void> {
    await this.kill(member);
    this.#members.splice(this.#members.indexOf(member), 1, successor);
    this.#gates.delete(member.name);
  }

  /** What a member says of itself. It may be any process that serves etcd's maintenance calls. */
  asking({ clientUrl }: { readonly clientUrl: string }): Maintenance {
    const known = this.#asking.get(clientUrl);
    if (known) return known;
    const asking = new Maintenance(clientUrl);
    this.#asking.set(clientUrl, asking);
    return asking;
  }

  /** @returns undefined while it does not answer */
  async statusOf(member: MemberProcess, timeoutMs = 500): Promise<EndpointStatus | undefined> {
    if (!member.isRunning || member.isPaused) return undefined;
    return this.asking(member)
      .status(timeoutMs)
      .catch(() => undefined);
  }

  /**
   * The member that leads, as all that run and can be asked agree.
   *
   * @throws if they do not within the time
   */
  async leader(withinMs = SERVE_MS): Promise<MemberProcess> {
    let leader: MemberProcess | undefined;
    await this.until(
      'the members agree on a leader',
      async () => {
        const told = await Promise.all(
          this.members.map(async (member) => ({ member, status: await this.statusOf(member) })),
        );
        const known = told.filter(({ status }) => status !== undefined);
        const latest = known.sort((a, b) => (b.status?.term ?? 0) - (a.status?.term ?? 0))[0]?.status;
        const agreeing = known.filter(({ status }) => status?.leader === latest?.leader).length;
        leader = known.find(({ status }) => status?.memberId === latest?.leader)?.member;
        return leader !== undefined && agreeing > this.members.length / 2;
      },
      withinMs,
    );
    return leader as MemberProcess;
  }

  /** One that does not lead now. */
  async follower(): Promise<MemberProcess> {
    return this.others(await this.leader())[0] as MemberProcess;
  }

  /** Waits until these members, default all, know a leader. */
  async untilServing(members: readonly MemberProcess[] = this.members, withinMs = SERVE_MS): Promise<void> {
    const serves = async (member: MemberProcess) => ((await this.statusOf(member))?.leader ?? 0n) !== 0n;
    const what = `${members.map(({ name }) => name).join(', ')} know a leader`;
    await this.until(what, async () => (await Promise.all(members.map(serves))).every(Boolean), withinMs);
  }

  /** Waits, in real time, until something is so. */
  async until(what: string, isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!(await isSo())) {
      if (performance.now() > deadlineMs) throw new Error(`it did not come about within ${withinMs} ms that ${what}`);
      await delay(POLL_MS);
    }
  }

  /** Starts a member again, and lets the others reach it again. What is asked of one member happens in turn. */
  start(member: MemberProcess, life: LifeOptions = {}): Promise<void> {
    return this.#inTurn(member, async () => {
      await this.#gates.get(member.name)?.reopen();
      member.start(life);
    });
  }

  /** Kills a member without warning; for the others its address is dead at once. */
  kill(member: MemberProcess): Promise<void> {
    return this.#inTurn(member, async () => {
      const killed = member.kill();
      await Promise.all([killed, this.#gates.get(member.name)?.shut()]);
    });
  }

  /** Asks a member to end; kills it if it does not. */
  end(member: MemberProcess): Promise<void> {
    return this.#inTurn(member, async () => {
      await member.end();
      await this.#gates.get(member.name)?.shut();
    });
  }

  /** Nothing gets from one to the other any more, until {@link heal}. */
  cutOneWay(from: MemberProcess, to: MemberProcess): void {
    this.#rules.silence(from.name, to.name);
    this.#updateGates();
  }

  /** Nothing gets through between two members. */
  cut(one: MemberProcess, other: MemberProcess): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Nothing gets through between a member and all others. */
  isolate(member: MemberProcess): void {
    for (const other of this.others(member)) this.cut(member, other);
  }

  /** Breaks connections between two members, and resets new ones. */
  refuse(one: MemberProcess, other: MemberProcess): void {
    this.#rules.refuse(one.name, other.name);
    this.#updateGates();
  }

  /** Slows what one member sends to another. */
  slow(from: MemberProcess, to: MemberProcess, delayMs: number): void {
    this.#rules.delay(from.name, to.name, delayMs);
    this.#updateGates();
  }

  /** Lets only so many bytes a second get from one member to another. */
  narrow(from: MemberProcess, to: MemberProcess, bytesPerSecond: number): void {
    this.#rules.narrow(from.name, to.name, bytesPerSecond);
    this.#updateGates();
  }

  /** Breaks the connections between two members, this once. */
  reset(one: MemberProcess, other: MemberProcess): void {
    this.#gates.get(one.name)?.reset(other.name);
    this.#gates.get(other.name)?.reset(one.name);
  }

  /** The connections between two members carry nothing any more, for good, and neither is told. New ones come about. */
  halfOpen(one: MemberProcess, other: MemberProcess): void {
    this.#gates.get(one.name)?.halfOpen(other.name);
    this.#gates.get(other.name)?.halfOpen(one.name);
  }

  /** All ways are whole again; what was held back arrives late. */
  heal(): void {
    this.#rules.heal();
    this.#updateGates();
  }

  /** The same error with the end of every member's log. */
  explain(error: unknown): Error {
    const told = error instanceof Error ? error : new Error(String(error));
    const logs = this.members.map(({ name, log }) => `===== ${name}\n${log.slice(-SHOWN_LOG_BYTES)}`);
    const explained = new Error(`${told.message}\n${logs.join('\n')}`);
    explained.stack = `${told.stack}\n${logs.join('\n')}`;
    return explained;
  }

  /** Ends every member and removes everything. Idempotent. */
  async stop(): Promise<void> {
    for (const asking of this.#asking.values()) asking.close();
    this.#asking.clear();
    // Nothing is asked of the folder any more, so nobody need end in good order.
    await Promise.all(this.#everybody.map((member) => member.kill()));
    await Promise.all([...this.#gates.values()].map((gate) => gate.shut()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #openGate(name: string, ports: { readonly listen: number; readonly advertised: number }): Promise<void> {
    const rules: GateRules = {
      dialer: (nearPort, gatePort) => this.#dialer(nearPort, gatePort),
      direction: (from, to) => this.#rules.direction(from, to),
      isRefused: (one, other) => this.#rules.isRefused(one, other),
    };
    this.#gates.set(name, await PeerGate.open(name, { port: ports.advertised, targetPort: ports.listen, rules }));
  }

  #dialer(nearPort: number, farPort: number): string | undefined {
    const pids = this.#everybody.map((member) => member.pid).filter((pid) => pid !== 0);
    const pid = ownerOf({ nearPort, farPort }, pids);
    return this.#everybody.find((member) => pid !== undefined && member.pid === pid)?.name;
  }

  /** Two faults on one member do not get between each other's steps. */
  #inTurn(member: MemberProcess, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(member.name) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(member.name, settled);
    return turn;
  }

  #updateGates(): void {
    for (const gate of this.#gates.values()) gate.update();
  }
}

/** Runs something on a cluster of its own; when it fails, its error tells the members' logs. */
export async function withCluster(
  options: ClusterOptions,
  work: (cluster: ProcessCluster) => Promise<void>,
): Promise<void> {
  const cluster = await ProcessCluster.start(options);
  try {
    await work(cluster);
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await cluster.stop();
  }
}
