import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { Durations } from '../base/durations.js';

/** A value with its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** What a family is read from: one value, some with labels, or none at present. */
type Read = () => number | undefined | Iterable<Sample>;

/** Families of metrics that are read when they are asked for, and cost nothing before. */
export class Families {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** A value that rises and falls. */
  gauge(name: string, help: string, read: Read, labelNames: readonly string[] = []): void {
    new Gauge({
      ...{ name, help, labelNames, registers: [this.#registry] },
      collect() {
        this.reset();
        // A family without labels begins with a zero of its own, which is not a value that was read.
        if (labelNames.length === 0) this.remove();
        for (const [labels, value] of samplesOf(read())) this.set(labels, value);
      },
    });
  }

  /** A count that only rises. */
  counter(name: string, help: string, read: Read, labelNames: readonly string[] = []): void {
    new Counter({
      ...{ name, help, labelNames, registers: [this.#registry] },
      collect() {
        this.reset();
        for (const [labels, value] of samplesOf(read())) this.inc(labels, value);
      },
    });
  }

  /** How long something took. */
  durations(name: string, help: string, read: () => Durations | undefined): void {
    const get = () => Promise.resolve({ name, help, type: 'histogram', values: valuesOf(name, read()) });
    // What was counted elsewhere cannot be put into a Histogram of prom-client's; it is told in the same form.
    this.#registry.registerMetric({ name, get, reset: () => undefined } as unknown as Metric);
  }
}

function samplesOf(read: ReturnType<Read>): Iterable<Sample> {
  if (read === undefined) return [];
  return typeof read === 'number' ? [[{}, read]] : read;
}

function valuesOf(name: string, durations: Durations | undefined) {
  if (durations === undefined) return [];
  const { limits, counts, sumSeconds } = durations;
  let total = 0;
  const buckets = counts.map((count, at) => {
    total += count;
    const le = at < limits.length ? String(limits[at]) : '+Inf';
    return { labels: { le }, value: total, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels: {}, value: sumSeconds, metricName: `${name}_sum` },
    { labels: {}, value: total, metricName: `${name}_count` },
  ];
}
