import { noMetrics } from "./adapters/metrics/none.ts";
import { createPrometheusMetrics, type PrometheusMetrics } from "./adapters/metrics/prometheus.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { countLines } from "./admin/count-lines.ts";
import { createAdminApp, type Phase } from "./admin/create-admin-app.ts";
import { createReadiness, type ReadinessCheck } from "./admin/readiness.ts";
import type { Logger } from "./ports/logger.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { Startable } from "./ports/startable.ts";
import { VERSION } from "./utils/version.ts";
import { startHttpServer, type HttpServer } from "./worker/http/server.ts";

export interface AdminInit {
  /** `worker`, `runner`, `tester`, `channel`, `indexer`, `dashboard` or `devnet`. */
  readonly part: string;
  readonly settings: {
    /** 0 takes a free one; without one nothing is listened on and nothing is measured. */
    readonly port?: number | undefined;
    readonly host: string;
    readonly maxHeadAgeSeconds: number;
  };
  readonly logger: Logger;
}

/** A daemon that says what it needs. */
export interface Checked extends Startable {
  readonly checks: readonly ReadinessCheck[];
}

/** The listener for those who run a daemon. */
export interface Admin {
  /** To be given to the daemon. */
  readonly metrics: Metrics;
  /** The log that was given, with its lines counted. */
  readonly logger: Logger;
  /** `http://...`; undefined when it is off or not started. */
  readonly url: string | undefined;
  /** The daemon with the listener around it: up before the daemon begins to start, and until it has stopped. */
  around(daemon: Checked): Startable;
}

/** Makes the listener with metrics, health and readiness; off unless a port is set. */
export function createAdmin({ part, settings, logger }: AdminInit): Admin {
  const { port, host, maxHeadAgeSeconds } = settings;
  if (port === undefined) return { metrics: noMetrics, logger, url: undefined, around: (daemon) => daemon };
  const metrics = createPrometheusMetrics({ part });
  let server: HttpServer | undefined;
  return {
    metrics,
    logger: countLines(logger, metrics),
    get url() {
      return server === undefined ? undefined : `http://${host}:${server.port}`;
    },
    around(daemon) {
      let phase: Phase = "starting";
      const app = createAdminApp({
        part,
        version: VERSION,
        clock: systemClock,
        phase: () => phase,
        readiness: createReadiness({
          checks: () => daemon.checks,
          maxAgeSeconds: maxHeadAgeSeconds,
          metrics,
          clock: systemClock,
        }),
        exposition: async () => await expose(metrics),
      });
      return {
        async start(options) {
          server ??= await startHttpServer(app, { host, port });
          await daemon.start(options);
          phase = "running";
        },
        async stop() {
          phase = "stopping";
          await daemon.stop();
          await server?.close();
          metrics.close();
        },
      };
    },
  };
}

async function expose(metrics: PrometheusMetrics): Promise<{ readonly contentType: string; readonly text: string }> {
  return { contentType: metrics.contentType, text: await metrics.exposition() };
}
