/** The methods of all services, by names such as `KV/Range`. */
import type { MethodDefinition } from '@grpc/grpc-js';
import { AuthService } from '../../../rpc/gen/auth.js';
import { ClusterService } from '../../../rpc/gen/cluster.js';
import { ElectionService } from '../../../rpc/gen/election.js';
import { HealthService } from '../../../rpc/gen/health.js';
import { KVService } from '../../../rpc/gen/kv.js';
import { LeaseService } from '../../../rpc/gen/lease.js';
import { LockService } from '../../../rpc/gen/lock.js';
import { MaintenanceService } from '../../../rpc/gen/maintenance.js';
import { ServerReflectionService } from '../../../rpc/gen/reflection.js';
import { WatchService } from '../../../rpc/gen/watch.js';

const SERVICES = [
  KVService,
  WatchService,
  LeaseService,
  ClusterService,
  MaintenanceService,
  AuthService,
  LockService,
  ElectionService,
  HealthService,
  ServerReflectionService,
] as const;

/** What no server has, and what no server can read. */
const WRONG = {
  noMethod: { ...KVService.range, path: '/etcdserverpb.KV/NoMethod' },
  noService: { ...KVService.range, path: '/nonsense.NoService/NoMethod' },
  noMessage: { ...KVService.range, requestSerialize: () => Buffer.of(0xff, 0xff) },
} as const;

type Definitions = (typeof SERVICES)[number];
type MethodsOf<S> = S extends unknown ? S[keyof S] : never;
type NameOf<Path> = Path extends `/${string}.v1.${infer Name}`
  ? Name
  : Path extends `/${string}.${infer Name}`
    ? Name
    : never;

/** Service and method, such as `KV/Range`. */
export type Method =
  NameOf<MethodsOf<Definitions> extends { readonly path: infer Path } ? Path : never> | `wrong/${keyof typeof WRONG}`;

const METHODS = new Map(
  SERVICES.flatMap((service) => Object.values(service) as MethodDefinition<object, object>[]).map((method) => [
    method.path.slice(method.path.lastIndexOf('.') + 1),
    method,
  ]),
);

const WRONGS = new Map(
  Object.entries(WRONG).map(([name, method]) => [`wrong/${name}`, method as MethodDefinition<object, object>]),
);

/** @throws if there is none of this name */
export function methodNamed(name: string): MethodDefinition<object, object> {
  const method = METHODS.get(name) ?? WRONGS.get(name);
  if (!method) throw new Error(`there is no method ${name}`);
  return method;
}
