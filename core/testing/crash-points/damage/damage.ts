import type { Reading, Specimen } from './specimens.js';

/** Damage that was neither noticed nor without consequence. */
export interface Unnoticed {
  readonly specimen: string;
  readonly what: string;
}

/** What became of damaging something again and again. */
export interface DamageResult {
  readonly caseCount: number;
  readonly refused: number;
  /** Nothing of what is read has changed. */
  readonly harmless: number;
  /** It was taken for the end of the log that a crash tore. */
  readonly cutOff: number;
  readonly unnoticed: readonly Unnoticed[];
}

/** Changes one byte after the other, with each of the masks. */
export async function flipEach(
  specimen: Specimen,
  masks: readonly number[],
  { from = 0, every = 1 } = {},
): Promise<DamageResult> {
  const damage = new Damage(specimen, specimen.alsoAllowed);
  await damage.learn();
  for (let at = from; at < specimen.bytes.length; at += every) {
    for (const mask of masks) {
      const bytes = Buffer.from(specimen.bytes);
      bytes[at]! ^= mask;
      await damage.judge(bytes, `byte ${at} xor ${mask}`);
    }
  }
  return damage.result;
}

/** Cuts it off after each of its bytes. */
export async function cutAfterEach(specimen: Specimen, { from = 0, every = 1 } = {}): Promise<DamageResult> {
  const damage = new Damage(specimen, specimen.allowedCutOff);
  await damage.learn();
  for (let length = from; length < specimen.bytes.length; length += every) {
    await damage.judge(specimen.bytes.subarray(0, length), `cut off after ${length} bytes`);
  }
  return damage.result;
}

class Damage {
  readonly #specimen: Specimen;
  readonly #allowed: ReadonlySet<string>;
  readonly #unnoticed: Unnoticed[] = [];
  #whole: string | undefined;
  #refused = 0;
  #harmless = 0;
  #cutOff = 0;

  constructor(specimen: Specimen, allowed: ReadonlySet<string>) {
    this.#specimen = specimen;
    this.#allowed = allowed;
  }

  get result(): DamageResult {
    const [refused, harmless, cutOff, unnoticed] = [this.#refused, this.#harmless, this.#cutOff, this.#unnoticed];
    return { caseCount: refused + harmless + cutOff + unnoticed.length, refused, harmless, cutOff, unnoticed };
  }

  /** What is read where nothing is damaged. */
  async learn(): Promise<void> {
    const read = await this.#specimen.read(this.#specimen.bytes);
    if ('refused' in read) throw new Error(`${this.#specimen.name} cannot be read as it is: ${read.refused}`);
    this.#whole = read.text;
  }

  async judge(bytes: Uint8Array, what: string): Promise<void> {
    const read = await this.#specimen.read(bytes).catch((error: unknown) => error as Error);
    if (read instanceof Error) this.#fail(`${what}: ${read.stack}`);
    else if ('refused' in read) this.#refused += 1;
    else this.#judgeText(read, what);
  }

  #judgeText({ text }: Extract<Reading, { text: string }>, what: string): void {
    if (text === this.#whole) this.#harmless += 1;
    else if (this.#allowed.has(text)) this.#cutOff += 1;
    else this.#fail(`${what}: something else was read`);
  }

  #fail(what: string): void {
    this.#unnoticed.push({ specimen: this.#specimen.name, what });
  }
}
