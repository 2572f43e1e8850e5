import type { Batch, View } from '../backend/backend.js';
import { type Alarm, ALARM_KINDS } from '../base/alarm.js';
import { assert } from '../base/assert.js';
import { CorruptClusterError, InvalidArgumentError, NoSpaceError } from '../base/errors.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { spaceCost } from './space-cost.js';
import type { AlarmCommand, Command } from './types.js';

/** Under which key of the table `meta` alarms are kept; there is none while none is raised. */
const KEY: Uint8Array = Buffer.from('machine.alarms');
const VERSION = 1;

/** Alarms that may be raised at one time. A cluster has far fewer members, so only somebody's mistake comes to it. */
export const ALARMS_MAX = 256;

/** An alarm, and whether the member that raised it ends it by itself once its reason is gone. */
export interface RaisedAlarm extends Alarm {
  readonly endsItself: boolean;
}

/** What is refused while the members may not have the same. Reads, and what says how things are, go on. */
const REFUSED_WHEN_CORRUPT: ReadonlySet<Command['type']> = new Set<Command['type']>([
  ...(['put', 'delete', 'txn', 'compact', 'leaseGrant', 'leaseRevoke'] as const),
]);

/**
 * Alarms as of the last applied entry: part of the replicated state, so that every member refuses the same commands from
 * the same entry on, and a restart does not end one.
 */
export class Alarms {
  #raised: readonly RaisedAlarm[];

  private constructor(raised: readonly RaisedAlarm[]) {
    this.#raised = raised;
  }

  /** Restores them from the table `meta`. @throws {@link InvariantError} if the record is of an unknown form */
  static open(view: View): Alarms {
    return new Alarms(readAlarms(view));
  }

  /** In the order in which they were raised. */
  get raised(): readonly RaisedAlarm[] {
    return this.#raised;
  }

  find({ memberId, kind }: Alarm): RaisedAlarm | undefined {
    return this.#raised.find((alarm) => alarm.memberId === memberId && alarm.kind === kind);
  }

  /**
   * Checks that a command may be carried out in spite of what is raised, whoever raised it.
   *
   * @throws {@link CorruptClusterError}; {@link NoSpaceError} if it needs space
   */
  assertTakes(command: Command): void {
    if (this.#raised.length === 0) return;
    const isRaised = (kind: Alarm['kind']) => this.#raised.some((alarm) => alarm.kind === kind);
    if (REFUSED_WHEN_CORRUPT.has(command.type) && isRaised('CORRUPT')) throw new CorruptClusterError();
    if (spaceCost(command) > 0 && isRaised('NOSPACE')) throw new NoSpaceError();
  }

  /**
   * Raises or ends an alarm. Raising one that is raised leaves it, but somebody's word counts above that of a member's
   * own watch: it stays until somebody ends it.
   *
   * @returns the alarm that is raised, or was ended; `undefined` if there was none to end
   * @throws {@link InvalidArgumentError} if {@link ALARMS_MAX} are raised
   */
  apply({ action, alarm, endsItself }: AlarmCommand, batch: Batch): Alarm | undefined {
    const known = this.find(alarm);
    const isMeant = (each: RaisedAlarm) => each === known;
    if (action === 'end') {
      if (known === undefined || (endsItself && !known.endsItself)) return undefined;
      this.#change(
        this.#raised.filter((each) => !isMeant(each)),
        batch,
      );
      return alarm;
    }
    if (known === undefined) {
      const count = this.#raised.length;
      if (count >= ALARMS_MAX) throw new InvalidArgumentError('alarms', count + 1, `${ALARMS_MAX} at most`);
      this.#change([...this.#raised, { ...alarm, endsItself }], batch);
    } else if (known.endsItself && !endsItself) {
      this.#change(
        this.#raised.map((each) => (isMeant(each) ? { ...each, endsItself } : each)),
        batch,
      );
    }
    return alarm;
  }

  #change(raised: readonly RaisedAlarm[], batch: Batch): void {
    if (raised.length === 0) batch.delete('meta', KEY);
    else batch.put('meta', KEY, encodeAlarms(raised));
    this.#raised = raised;
  }
}

function readAlarms(view: View): readonly RaisedAlarm[] {
  const record = view.get('meta', KEY);
  if (record === undefined) return [];
  const reader = new ByteReader(record);
  assert(reader.byte() === VERSION, 'the alarms have a version that this program knows');
  const raised: RaisedAlarm[] = [];
  for (let left = reader.length(); left > 0; left -= 1) {
    const kind = ALARM_KINDS[reader.byte()];
    assert(kind !== undefined, 'an alarm is of a kind that this program knows');
    const endsItself = reader.byte() === 1;
    raised.push({ memberId: reader.unsignedId(), kind, endsItself });
  }
  reader.end();
  return raised;
}

/**
 * ```text
 * alarms = version (1) · count · (kind · ends itself · member id)*
 * ```
 */
function encodeAlarms(raised: readonly RaisedAlarm[]): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.length(raised.length);
  for (const { memberId, kind, endsItself } of raised) {
    writer.byte(ALARM_KINDS.indexOf(kind));
    writer.byte(endsItself ? 1 : 0);
    writer.unsignedId(memberId);
  }
  return writer.finish();
}
