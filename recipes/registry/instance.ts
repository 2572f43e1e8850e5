import { InvalidArgumentError } from '../../core/base/errors.js';
import type { KeyValue } from '../../core/base/key-value.js';
import { textOfKey } from '../foreign.js';
import { checkName, escapeSegment, nameOfSegment, recipePrefix } from '../keys.js';
import { type By, parseObject, toJson } from '../metadata.js';

/** What a process says of itself when it registers. */
export interface Instance<M> {
  /** The service it is an instance of. */
  readonly service: string;
  /** Its id among the service's instances. Default: a random one. */
  readonly id?: string;
  /** Where it is reached: a host, or a URL. */
  readonly address: string;
  readonly port?: number;
  /** Whatever callers may want to know; anything that JSON can hold. */
  readonly metadata?: M;
  /** Its share of the picks, beside the others'. Default 1; 0: only if there is no other. */
  readonly weight?: number;
  /** Where it runs, for picks that prefer their own zone. */
  readonly zone?: string;
  readonly version?: string;
  /** Calls in progress, as the instance itself counts them. Default 0. */
  readonly load?: number;
}

/** What `update` may change: everything but the service and the id. */
export type InstanceUpdate<M> = Partial<Omit<Instance<M>, 'service' | 'id'>>;

/** An instance as a view shows it. */
export interface ServiceInstance<M> {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly port?: number;
  /** As the instance wrote it, unchecked; an empty object if it wrote none. */
  readonly metadata: M;
  /** An operator's override of it, if there is one. */
  readonly weight: number;
  readonly zone?: string;
  readonly version?: string;
  readonly load: number;
  /** Whether an operator has taken it out of service. It is shown, and not picked. */
  readonly drained: boolean;
  /** Wall time of its registration by its own clock, ISO 8601. For display only. */
  readonly since: string;
  /** Where it runs, as it says: `host (pid)`. */
  readonly owner: string;
  /** Which registration this is: another one under the same id has another. */
  readonly registrationId: string;
}

/** What an operator decided about an instance. Kept apart from the instance's own record, so it survives reconnects. */
export interface Override {
  /** Take it out of service, or (false) leave it in. */
  readonly drain?: boolean;
  /** Use this weight instead of its own. */
  readonly weight?: number;
  /** Why, for whoever reads it. */
  readonly reason?: string;
}

/** The value of an instance's key. */
export type InstanceRecord<M> = Omit<ServiceInstance<M>, 'service' | 'id' | 'drained'>;

/** The key of an instance's own record, or of what an operator decided about it. */
export function instanceKey(
  namespace: string | undefined,
  folder: 'svc' | 'svc-admin',
  service: string,
  id: string,
): string {
  return recipePrefix(namespace, folder, service) + escapeSegment(checkName(id, 'id'));
}

/** @throws {@link InvalidArgumentError} naming the field that is wrong */
export function checkInstance<M>(instance: Instance<M>): void {
  checkName(instance.service, 'service');
  if (instance.id !== undefined) checkName(instance.id, 'id');
  if (typeof instance.address !== 'string' || instance.address === '') {
    throw new InvalidArgumentError('address', instance.address, 'a text that is not empty');
  }
  const { port } = instance;
  if (port !== undefined && !isPort(port)) {
    throw new InvalidArgumentError('port', port, 'a whole number from 0 to 65535');
  }
  checkNotNegative(instance.weight, 'weight');
  checkNotNegative(instance.load, 'load');
}

/** @throws {@link InvalidArgumentError} */
export function checkNotNegative(amount: number | undefined, field: string): void {
  if (amount !== undefined && !isAmount(amount)) {
    throw new InvalidArgumentError(field, amount, 'a number of 0 or more');
  }
}

/** JSON's numbers may be too large for ours: 1e999 is read as infinity. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && isAmount(value) && value <= 65_535;
}

/** @throws {@link InvalidArgumentError} if JSON cannot hold the metadata */
export function encodeInstance<M>(instance: Instance<M>, registrationId: string, writer: By): Uint8Array {
  const { service: _service, id: _id, ...own } = instance;
  return toJson({ ...own, ...writer, acquisitionId: registrationId }, 'metadata');
}

/** The id in the key of an instance or of an override; `undefined` if no registry writes such a key. */
export function idInKey(start: string, key: Uint8Array): string | undefined {
  const text = textOfKey(key);
  return text && nameOfSegment(text.slice(start.length));
}

/** What a key's value says of an instance; undefined if it is not one. */
export function decodeInstance<M>(kv: KeyValue): InstanceRecord<M> | undefined {
  const record = parseObject(kv.value);
  if (!record || typeof record['address'] !== 'string' || record['address'] === '') return undefined;
  const text = (field: string) => (typeof record[field] === 'string' ? record[field] : undefined);
  const amount = (field: string) => (isAmount(record[field]) ? record[field] : undefined);
  const port = isPort(record['port']) ? record['port'] : undefined;
  const [zone, version] = [text('zone'), text('version')];
  return {
    address: record['address'],
    ...(port !== undefined && { port }),
    ...(zone !== undefined && { zone }),
    ...(version !== undefined && { version }),
    metadata: (record['metadata'] ?? {}) as M,
    weight: amount('weight') ?? 1,
    load: amount('load') ?? 0,
    since: text('since') ?? '',
    owner: `${text('host') ?? 'unknown'} (${amount('pid') ?? '?'})`,
    registrationId: text('acquisitionId') ?? '',
  };
}

export function encodeOverride(override: Override, writer: By): Uint8Array {
  return toJson({ ...writer, ...override }, 'override');
}

export function decodeOverride(kv: KeyValue): Override | undefined {
  const record = parseObject(kv.value);
  if (!record) return undefined;
  const { drain, weight, reason } = record;
  return {
    ...(typeof drain === 'boolean' && { drain }),
    ...(isAmount(weight) && { weight }),
    ...(typeof reason === 'string' && { reason }),
  };
}

/** The instance as views show it: its own record under what the operator decided. */
export function withOverride<M>(
  service: string,
  id: string,
  record: InstanceRecord<M>,
  override: Override | undefined,
): ServiceInstance<M> {
  const weight = override?.weight ?? record.weight;
  return Object.freeze({ ...record, service, id, weight, drained: override?.drain ?? false });
}
