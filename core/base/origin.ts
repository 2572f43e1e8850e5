/** Who writes, and when by the clock on the wall: for people who look at keys. Nothing is decided by it. */
export interface Origin {
  readonly host: string;
  readonly pid: number;
  /** ISO 8601. It may jump, differ between machines and lie: show it, never compare it. */
  wallTime(): string;
}
