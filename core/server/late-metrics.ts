import { HealthCounts } from '../metrics/health-counts.js';
import type { MetricsSources } from '../metrics/sources.js';
import type { MetricsPage } from '../rpc/http/http-front.js';

/**
 * The page of a member's metrics. What writes it is loaded when somebody asks for the first time, so that a start does not
 * wait for it; nothing is lost by that, since what happens is counted where it happens, from the start.
 */
export class LateMetrics implements MetricsPage {
  /** Of Prometheus's texts. */
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly health = new HealthCounts();
  readonly #sources: MetricsSources;
  #page: Promise<MetricsPage> | undefined;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  async text(): Promise<string> {
    this.#page ??= this.#load();
    const page = await this.#page;
    return page.text();
  }

  async #load(): Promise<MetricsPage> {
    const { MemberMetrics } = await import('../metrics/member-metrics.js');
    return new MemberMetrics(this.#sources, this.health);
  }
}
