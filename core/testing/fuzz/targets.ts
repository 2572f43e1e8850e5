import type { FuzzTarget } from './target.js';
import { answers } from './targets/answers.js';
import { command } from './targets/command.js';
import { configSnapshot } from './targets/config-snapshot.js';
import { configuration } from './targets/configuration.js';
import { formatFile } from './targets/format-file.js';
import { frames } from './targets/frames.js';
import { greetings } from './targets/greetings.js';
import { historyRecord } from './targets/history-record.js';
import { leaseRecord } from './targets/lease-record.js';
import { machine } from './targets/machine.js';
import { guardedCalls, memberCalls } from './targets/member-calls.js';
import { clientAnswers } from './targets/client-answers.js';
import { clientPort } from './targets/client-port.js';
import { membersAnswer, membershipChange } from './targets/member-json.js';
import { memberInfos } from './targets/member-infos.js';
import { membershipRecord } from './targets/membership-record.js';
import { peerPort } from './targets/peer-port.js';
import { announcement, peerMessages } from './targets/peer-messages.js';
import { appliedPosition, compactRevision, installedPosition } from './targets/positions.js';
import { recipeValues } from './targets/recipe-values.js';
import { requests } from './targets/requests.js';
import { restoredFolder } from './targets/restored-folder.js';
import { rpcMessages } from './targets/rpc-messages.js';
import { snapshot } from './targets/snapshot.js';
import { snapshotFile } from './targets/snapshot-file.js';
import { walGroup } from './targets/wal-group.js';
import { walLog } from './targets/wal-log.js';
import { walSegmentHeader } from './targets/wal-segment-header.js';

/** Everything that is tried. */
export const TARGETS: readonly FuzzTarget[] = [
  command,
  configuration,
  memberInfos,
  membershipRecord,
  appliedPosition,
  installedPosition,
  compactRevision,
  historyRecord,
  leaseRecord,
  frames,
  greetings,
  peerMessages,
  announcement,
  membershipChange,
  membersAnswer,
  ...rpcMessages,
  requests,
  answers,
  walSegmentHeader,
  walGroup,
  walLog,
  formatFile,
  machine,
  snapshot,
  snapshotFile,
  restoredFolder,
  memberCalls,
  guardedCalls,
  clientPort,
  peerPort,
  clientAnswers,
  ...recipeValues,
  configSnapshot,
];
