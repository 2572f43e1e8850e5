/** Runs out once, unless it is stopped before. */
export class Impatience {
  #timer: ReturnType<typeof setTimeout> | undefined;
  isOver = false;

  constructor(
    private readonly ms: number,
    private readonly act: () => void,
  ) {
    this.restart();
  }

  restart(): void {
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.act();
    }, this.ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
