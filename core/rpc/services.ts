import { AdminService } from './admin.js';
import { AuthService } from './auth.js';
import { ClusterService } from './cluster.js';
import { ElectionService } from './election.js';
import { KvService } from './kv.js';
import { LeaseService } from './lease.js';
import { LockService } from './lock.js';
import { MaintenanceService } from './maintenance.js';
import type { MemberPorts } from './ports.js';

/** The services as one caller may use them. They know of no other. */
export class Services {
  readonly kv: KvService;
  readonly lease: LeaseService;
  readonly cluster: ClusterService;
  readonly maintenance: MaintenanceService;
  readonly auth: AuthService;
  readonly lock: LockService;
  readonly election: ElectionService;
  readonly admin: AdminService;

  constructor(readonly member: MemberPorts) {
    this.kv = new KvService(member);
    this.lease = new LeaseService(member);
    this.cluster = new ClusterService(member);
    this.maintenance = new MaintenanceService(member);
    this.auth = new AuthService(member);
    this.lock = new LockService(member);
    this.election = new ElectionService(member);
    this.admin = new AdminService(member);
  }
}
