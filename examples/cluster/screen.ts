import { styleText } from 'node:util';
import type { MemberLife } from './member-life.js';
import type { Writer } from './writer.js';

const EVENTS_SHOWN = 6;
const PLAIN_EVERY_MS = 2_000;
const LIVE_EVERY_MS = 250;

/** A table that stays in its place on a terminal; elsewhere, events as they come, and the table from time to time. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #events: string[] = [];
  readonly #startedMs = performance.now();
  #drawing: NodeJS.Timeout | undefined;
  #lineCount = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(what: string): void {
    const event = `${((performance.now() - this.#startedMs) / 1_000).toFixed(1).padStart(6)} s  ${what}`;
    if (!this.#out.isTTY) return void this.#out.write(`${event}\n`);
    this.#events.push(event);
    if (this.#events.length > EVENTS_SHOWN) this.#events.shift();
  }

  /** Draws the table again and again, until {@link end}. */
  show(members: readonly MemberLife[], writer: Writer): void {
    const draw = () => this.#draw(tableOf(members, writer));
    this.#drawing = setInterval(draw, this.#out.isTTY ? LIVE_EVERY_MS : PLAIN_EVERY_MS);
    draw();
  }

  end(): void {
    clearInterval(this.#drawing);
  }

  #draw(table: readonly string[]): void {
    if (!this.#out.isTTY) return void this.#out.write(`${table.join('\n')}\n`);
    const [head, ...rest] = table as [string, ...string[]];
    const lines = ['', styleText('bold', head), ...rest, '', ...this.#events];
    const up = this.#lineCount === 0 ? '' : `\x1b[${this.#lineCount}A`;
    this.#out.write(`${up}${lines.map((line) => `\x1b[2K${line}`).join('\n')}\n\x1b[J`);
    this.#lineCount = lines.length;
  }
}

function tableOf(members: readonly MemberLife[], writer: Writer): string[] {
  const appliedMost = Math.max(0, ...members.map(({ report }) => report?.appliedIndex ?? 0));
  const rows = members.map((member) => {
    const { report, place, pid, restartCount } = member;
    const facts = report
      ? [roleOf(report), `${report.term}`, `${report.appliedIndex}`, `${appliedMost - report.appliedIndex}`]
      : [pid === 0 ? 'down' : 'starting', '', '', ''];
    return [place.name, `${pid || ''}`, ...facts, `${restartCount}`, place.clientUrl];
  });
  const head = ['member', 'process', 'is', 'term', 'applied', 'lag', 'restarts', 'serves'];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [head, ...rows].map((row) => row.map((cell, at) => cell.padEnd(widths[at] as number)).join('  '));
  const { acknowledgedCount, unknownCount, longestGapMs } = writer;
  const written = `${acknowledgedCount} writes acknowledged, ${unknownCount} unknown, longest gap ${Math.round(longestGapMs)} ms`;
  return [...lines.map((line) => line.trimEnd()), written];
}

function roleOf({ isLeader, hasLeader }: { readonly isLeader: boolean; readonly hasLeader: boolean }): string {
  if (isLeader) return 'leader';
  return hasLeader ? 'follower' : 'without leader';
}
