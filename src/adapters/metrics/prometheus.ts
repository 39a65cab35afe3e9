import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics, type PrometheusContentType } from "prom-client";

import {
  METRICS,
  RUNNER_NAMES,
  type CounterName,
  type HistogramName,
  type LabelValues,
  type MetricName,
  type Metrics,
  type Read,
  type Reading,
} from "../../ports/metrics.ts";

const OTHER = "other";
/** A repeated answer takes a millisecond, a run with a pulled image minutes. */
const BUCKETS_SECONDS = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 180];

/** Metrics in Prometheus' text form. */
export interface PrometheusMetrics extends Metrics {
  readonly contentType: string;
  exposition(): Promise<string>;
  /** Ends the measuring of the process. */
  close(): void;
}

/**
 * Counts with prom-client, in a registry of its own; the process and the lag of its event loop are measured too, under the names
 * that prom-client gives them (`process_*`, `nodejs_*`), which known dashboards look for.
 */
export function createPrometheusMetrics({ part }: { readonly part: string }): PrometheusMetrics {
  const registry = new Registry<PrometheusContentType>();
  registry.setDefaultLabels({ part });
  collectDefaultMetrics({ register: registry });
  const readers = new Map<MetricName, Read>();
  const counters = new Map<CounterName, Counter>();
  const histograms = new Map<HistogramName, Histogram>();
  for (const [name, definition] of Object.entries(METRICS)) {
    const init = { name, help: definition.help, labelNames: labelNames(name as MetricName), registers: [registry] };
    if (definition.kind === "counter") counters.set(name as CounterName, addCounter(init, readers));
    else if (definition.kind === "histogram")
      histograms.set(name as HistogramName, new Histogram({ ...init, buckets: BUCKETS_SECONDS }));
    else addGauge(init, readers);
  }
  return {
    contentType: registry.contentType,
    count(name, labels = {}, by = 1) {
      if (by > 0) counters.get(name)?.inc(bounded(name, labels), by);
    },
    observe(name, seconds, labels = {}) {
      histograms.get(name)?.observe(bounded(name, labels), seconds);
    },
    gauge(name, read) {
      readers.set(name, read);
    },
    total(name, read) {
      readers.set(name, read);
    },
    exposition: async () => await registry.metrics(),
    close: () => registry.clear(),
  };
}

interface MetricInit {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}

/** Counts, unless it has a reader: then it shows what that one says. */
function addCounter(init: MetricInit, readers: ReadonlyMap<MetricName, Read>): Counter {
  return new Counter({
    ...init,
    async collect() {
      const read = readers.get(init.name as MetricName);
      if (read === undefined) return;
      const readings = await readingsOf(read);
      this.reset();
      for (const { labels = {}, value } of readings) this.inc(bounded(init.name as MetricName, labels), value);
    },
  });
}

/** Shows what its reader says when it is asked, and nothing while it has none: a worker has no channel's heights. */
function addGauge(init: MetricInit, readers: ReadonlyMap<MetricName, Read>): void {
  new Gauge({
    ...init,
    async collect() {
      const readings = await readingsOf(readers.get(init.name as MetricName));
      this.reset();
      // Without labels it would be 0 now.
      if (readings.length === 0 && init.labelNames.length === 0) this.remove();
      for (const { labels = {}, value } of readings) this.set(bounded(init.name as MetricName, labels), value);
    },
  });
}

/** What cannot be read, before the start say, is left out: the others are worth showing. */
async function readingsOf(read: Read | undefined): Promise<readonly Reading[]> {
  if (read === undefined) return [];
  try {
    const readings = await read();
    return typeof readings === "number" ? [{ value: readings }] : readings;
  } catch {
    return [];
  }
}

function labelNames(name: MetricName): string[] {
  return Object.keys(labelsOf(name));
}

function labelsOf(name: MetricName): Readonly<Record<string, readonly string[] | typeof RUNNER_NAMES>> {
  const definition = METRICS[name];
  return "labels" in definition ? definition.labels : {};
}

function bounded(name: MetricName, labels: LabelValues): Record<string, string> {
  const known = Object.entries(labelsOf(name));
  return Object.fromEntries(
    known.map(([label, values]) => {
      const value = labels[label] ?? OTHER;
      return [label, values === RUNNER_NAMES || values.includes(value) ? value : OTHER];
    }),
  );
}
