import { styleText } from 'node:util';

/** What was claimed, what was seen, and whether it held. A row of the table at the end. */
export interface Check {
  readonly what: string;
  readonly seen: string;
  readonly held: boolean;
}

const BAR_WIDTH = 24;

/** Tells the tour on a terminal: chapters, sentences, a progress bar, and the table at the end. */
export class Stage {
  readonly #checks: Check[] = [];
  readonly #startedAt = performance.now();
  #chaptersTold = 0;
  #barIsOpen = false;

  constructor(
    private readonly out: NodeJS.WriteStream,
    private readonly chapterCount: number,
  ) {}

  get checks(): readonly Check[] {
    return this.#checks;
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  chapter(title: string): void {
    this.#chaptersTold += 1;
    const place = `${this.#bar(this.#chaptersTold, this.chapterCount, this.chapterCount)} ${this.elapsedSeconds.toFixed(1).padStart(4)} s`;
    this.#line(`\n${this.#style('dim', place)}  ${this.#style('bold', `${this.#chaptersTold}. ${title}`)}`);
  }

  say(sentence: string): void {
    this.#line(`   ${sentence}`);
  }

  /** A bar that grows in place on a terminal; elsewhere only its end is printed. */
  progress(label: string, done: number, total: number): void {
    const text = `   ${this.#bar(done, total, BAR_WIDTH)} ${done}/${total} ${label}`;
    if (!this.out.isTTY) {
      if (done === total) this.#line(text);
      return;
    }
    this.out.write(`\r\x1b[2K${text}`);
    this.#barIsOpen = done < total;
    if (!this.#barIsOpen) this.out.write('\n');
  }

  check(what: string, held: boolean, seen: string): void {
    this.#checks.push({ what, seen, held });
    this.#line(`   ${this.#mark(held)} ${what}: ${seen}`);
  }

  /** Prints what was checked; answers whether all of it held. */
  table(): boolean {
    const widths = [
      Math.max(...this.#checks.map(({ what }) => what.length)),
      Math.max(...this.#checks.map(({ seen }) => seen.length)),
    ] as const;
    const rule = `   ${'─'.repeat(widths[0] + widths[1] + 8)}`;
    this.#line(`\n${this.#style('bold', '   What was checked')}\n${rule}`);
    for (const { what, seen, held } of this.#checks) {
      this.#line(`   ${this.#mark(held)}  ${what.padEnd(widths[0])}   ${seen}`);
    }
    const failed = this.#checks.filter(({ held }) => !held).length;
    const verdict = failed === 0 ? 'all held' : `${failed} DID NOT HOLD`;
    this.#line(`${rule}\n   ${this.#checks.length} checks, ${verdict}, in ${this.elapsedSeconds.toFixed(1)} s`);
    return failed === 0;
  }

  #bar(done: number, total: number, width: number): string {
    const filled = total === 0 ? width : Math.round((done / total) * width);
    return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
  }

  #mark(held: boolean): string {
    return held ? this.#style('green', '✓') : this.#style('red', '✗');
  }

  #style(format: 'bold' | 'dim' | 'green' | 'red', text: string): string {
    const plain = !this.out.isTTY || process.env['NO_COLOR'] !== undefined;
    return plain ? text : styleText(format, text);
  }

  #line(text: string): void {
    if (this.#barIsOpen) this.out.write('\n');
    this.#barIsOpen = false;
    this.out.write(`${text}\n`);
  }
}
