import type { Command } from 'commander';
import {
  AlarmRequest_AlarmAction as Action,
  AlarmResponse,
  AlarmType,
  MaintenanceService,
} from '../../../rpc/gen/maintenance.js';
import type { Context, Runner } from '../../asking/runner.js';
import { toJson } from '../../print/go-json.js';
import type { Words } from '../../print/printer.js';
import { headerFields } from '../header-words.js';

const ALARM_WORDS: Words<AlarmResponse> = {
  // The space at the end is etcdctl's.
  simple: ({ alarms }) => alarms.map(({ memberID, alarm }) => `memberID:${memberID} alarm:${TYPES[alarm]} `),
  json: toJson,
  fields: ({ header, alarms }) => [
    ...headerFields(header),
    ...alarms.flatMap(({ memberID, alarm }) => [`"MemberID" : ${memberID}`, `"AlarmType" : ${TYPES[alarm]}`, '']),
  ],
  protobuf: (answer) => AlarmResponse.encode(answer),
};

const TYPES: Readonly<Record<AlarmType, string>> = {
  [AlarmType.NONE]: 'NONE',
  [AlarmType.NOSPACE]: 'NOSPACE',
  [AlarmType.CORRUPT]: 'CORRUPT',
  [AlarmType.UNRECOGNIZED]: 'UNRECOGNIZED',
};

const ALL = { action: Action.GET, memberID: 0n, alarm: AlarmType.NONE };

/** What members warn of. */
export function addAlarmCommands(program: Command, runner: Runner): void {
  const alarm = program
    .command('alarm')
    .summary('tells and clears what members warn of')
    .description('What members warn of: that there is no space, or that what they hold differs.');
  alarm
    .command('list')
    .description('Lists all alarms.')
    .action(() =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(ALARM_WORDS);
        tell(await client.ask(MaintenanceService.alarm, ALL));
      }),
    );
  alarm
    .command('disarm')
    .description('Clears all alarms, and tells which there were.')
    .action(() => runner.asking(disarm));
}

async function disarm({ client, teller }: Context): Promise<void> {
  const tell = teller(ALARM_WORDS);
  const { alarms } = await client.ask(MaintenanceService.alarm, ALL);
  const disarmed = AlarmResponse.decode(new Uint8Array(0));
  for (const one of alarms) {
    const answer = await client.ask(MaintenanceService.alarm, { ...one, action: Action.DEACTIVATE });
    disarmed.alarms.push(...answer.alarms);
  }
  tell(disarmed);
}
