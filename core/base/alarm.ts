/** What may be wrong until somebody has seen to it: no space is left, or members do not have the same. */
export const ALARM_KINDS = ['NOSPACE', 'CORRUPT'] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/** Something that is wrong, and with which member: any id, for whoever raises an alarm may know better than the cluster. */
export interface Alarm {
  readonly memberId: bigint;
  readonly kind: AlarmKind;
}

/** Asks for the alarms that are raised, of one kind or of all; or raises or ends one. */
export type AlarmRequest =
  | { readonly action: 'get'; readonly kind?: AlarmKind | undefined }
  | { readonly action: 'raise' | 'end'; readonly alarm: Alarm };
