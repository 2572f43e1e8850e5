import { AdminService } from './admin.js';
import { AuthService } from './auth.js';
import { ClusterService } from './cluster.js';
import { KvService } from './kv.js';
import { LeaseService } from './lease.js';
import { MaintenanceService } from './maintenance.js';
import type { MemberPorts } from './ports.js';

/** The services as one caller may use them. They know of no other. */
export class Services {
  readonly kv: KvService;
  readonly lease: LeaseService;
  readonly cluster: ClusterService;
  readonly maintenance: MaintenanceService;
  readonly auth: AuthService;
  readonly admin: AdminService;

  constructor(readonly member: MemberPorts) {
    this.kv = new KvService(member);
    this.lease = new LeaseService(member);
    this.cluster = new ClusterService(member);
    this.maintenance = new MaintenanceService(member);
    this.auth = new AuthService(member);
    this.admin = new AdminService(member);
  }
}
