import { type Direction, OPEN } from './tcp-pipe.js';

const SILENT: Direction = { isSilent: true, delayMs: 0 };

/** What is wrong between which members, in each direction. A pair that is not named is whole. */
export class LinkRules {
  readonly #directions = new Map<string, Direction>();
  readonly #refused = new Set<string>();

  /** Bytes from one to the other are held back, on connections that either of them has made. New connections hang. */
  silence(from: string, to: string): void {
    this.#directions.set(`${from}>${to}`, SILENT);
  }

  /** Bytes from one to the other come later. */
  delay(from: string, to: string, delayMs: number): void {
    this.#directions.set(`${from}>${to}`, { isSilent: false, delayMs });
  }

  /** Only so many bytes a second get from one to the other. */
  narrow(from: string, to: string, bytesPerSecond: number): void {
    this.#directions.set(`${from}>${to}`, { isSilent: false, delayMs: 0, bytesPerSecond });
  }

  /** Connections between the two break, and new ones are reset. */
  refuse(one: string, other: string): void {
    this.#refused.add(`${one}>${other}`).add(`${other}>${one}`);
  }

  /** Everything is whole again; what was held back arrives, late. */
  heal(): void {
    this.#directions.clear();
    this.#refused.clear();
  }

  direction(from: string | undefined, to: string | undefined): Direction {
    return this.#directions.get(`${from}>${to}`) ?? OPEN;
  }

  isRefused(one: string | undefined, other: string | undefined): boolean {
    return this.#refused.has(`${one}>${other}`);
  }
}
