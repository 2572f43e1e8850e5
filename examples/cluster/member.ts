/** One member of the cluster: a process that opens a durable store, serves it, and tells how it is four times a second. */
import { open } from 'conclave/core';
import type { Report } from './member-life.js';

const [name, dataDir, clientUrl, peers] = process.argv.slice(2) as [string, string, string, string];
const TELL_MS = 250;

const store = await open({ dataDir }, { name, peers: JSON.parse(peers) as Record<string, string>, listen: clientUrl });
const telling = setInterval(tell, TELL_MS);
tell();

// A member that fails lets go of everything by itself.
void store.stopped.then((failure) => process.exit(failure ? 1 : 0));
process.once('SIGTERM', leave);
// A Ctrl-C reaches every process of the terminal; the first of them ends the others in order.
process.on('SIGINT', () => undefined);
// Never outlive the one who started us.
process.once('disconnect', leave);

function tell(): void {
  const { leader, memberId, term, raftIndex, appliedIndex } = store.status();
  const report: Report = {
    isLeader: leader === memberId,
    hasLeader: leader !== undefined,
    term,
    raftIndex,
    appliedIndex,
  };
  if (process.connected) process.send?.(report);
}

function leave(): void {
  clearInterval(telling);
  void store.close();
}
