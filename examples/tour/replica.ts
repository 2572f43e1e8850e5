/**
 * One of three replicas of a service that form their own store: each embeds a member of it, and writes without a pause.
 * It tells the director how far it is, and the longest time that it waited for an acknowledgement.
 */
import { open, toText } from 'conclave/core';

const [name, dataDir, peers] = process.argv.slice(2) as [string, string, string];
process.once('SIGTERM', () => process.exit(0));
// Never outlive the director.
process.once('disconnect', () => process.exit(0));

const store = await open({ dataDir }, { name, peers: JSON.parse(peers) as Record<string, string> });
const kv = await store.get(`replicas/${name}`);
const found = kv === undefined ? 0 : Number(toText(kv.value));
process.send?.({ kind: 'found', count: found });

let count = found;
let longestMs = 0;
let waitingSince = performance.now();
process.on('message', () => {
  const { leader, memberId } = store.status();
  process.send?.({ kind: 'progress', count, longestMs, leads: leader === memberId });
});
for (;;) {
  // A write that failed may have been done or not; to put the same once more does no harm.
  const answer = await store.put(`replicas/${name}`, `${count + 1}`).catch(() => undefined);
  if (answer === undefined) continue;
  count += 1;
  const now = performance.now();
  longestMs = Math.max(longestMs, now - waitingSince);
  waitingSince = now;
}
