import { Hono } from "hono";

import type { Clock } from "../ports/clock.ts";
import type { Readiness } from "./readiness.ts";

/** In which of its ages a daemon is. */
export type Phase = "starting" | "running" | "stopping";

export interface AdminAppInit {
  /** `worker`, `tester`, ... */
  readonly part: string;
  readonly version: string;
  readonly clock: Clock;
  readonly phase: () => Phase;
  readonly readiness: () => Promise<Readiness>;
  readonly exposition: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

const OK = 200;
const UNAVAILABLE = 503;
const MS_PER_SECOND = 1_000;

/** What a daemon tells those who run it: `/health`, `/ready` and `/metrics`. No other address belongs on its listener. */
export function createAdminApp({ part, version, clock, phase, readiness, exposition }: AdminAppInit): Hono {
  const startedMs = clock.now();
  const app = new Hono();
  // Whoever gets an answer at all knows that the event loop turns.
  app.get("/health", (c) =>
    c.json({ status: "ok", part, version, uptimeSeconds: Math.floor((clock.now() - startedMs) / MS_PER_SECOND) }),
  );
  app.get("/ready", async (c) => {
    if (phase() !== "running") return c.json({ ready: false, phase: phase(), parts: {} }, UNAVAILABLE);
    const { ready, parts } = await readiness();
    return c.json({ ready: ready && phase() === "running", phase: phase(), parts }, ready ? OK : UNAVAILABLE);
  });
  app.get("/metrics", async (c) => {
    const { contentType, text } = await exposition();
    return c.text(text, OK, { "content-type": contentType });
  });
  return app;
}
