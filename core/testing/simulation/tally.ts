/** How often faults changed what happened, by their kind. A fault that nobody met does not count. */
export class Effects {
  readonly counts = new Map<string, number>();

  /** A fault of this kind has just had an effect. */
  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** How often a kind had an effect. */
  of(kind: string): number {
    return this.counts.get(kind) ?? 0;
  }

  /** All effects, of whatever kind. */
  get total(): number {
    let total = 0;
    for (const count of this.counts.values()) total += count;
    return total;
  }
}

/** Which paths through the code were reached: every distinct message that somebody logged, and what checks note. */
export class Reached {
  readonly paths = new Set<string>();

  note(path: string): void {
    this.paths.add(path);
  }
}
