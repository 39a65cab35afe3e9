import { SprfError, messageOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Metrics, READY_PARTS } from "../ports/metrics.ts";
import { within } from "../utils/within.ts";

/** One part that a daemon needs to work. */
export interface ReadinessCheck {
  readonly part: (typeof READY_PARTS)[number];
  /** What there is to tell; rejects when the part does not work. `ageSeconds` is of the newest that the part has heard of. */
  look(options: { readonly signal: AbortSignal }): Promise<PartFacts>;
}

/** What a look at a part came to. */
export interface PartFacts {
  readonly ageSeconds?: number;
  /** What keeps the part from working, where it can tell. */
  readonly problem?: string | undefined;
  readonly [fact: string]: string | number | undefined;
}

/** Of one part. */
export interface PartReadiness {
  readonly ready: boolean;
  readonly problem?: string | undefined;
  readonly [fact: string]: string | number | boolean | undefined;
}

export interface Readiness {
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, PartReadiness>>;
}

export interface ReadinessInit {
  readonly checks: readonly ReadinessCheck[];
  /** What has not moved for so long counts as gone; 0: never. */
  readonly maxAgeSeconds: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A part that does not answer by then is not ready. */
const LOOK_MS = 4_000;
/** Who asks more often gets what was found last: to look costs calls of the networks. */
const KEPT_MS = 2_000;

/** Looks at all parts at once. */
export function createReadiness({ checks, maxAgeSeconds, metrics, clock }: ReadinessInit): () => Promise<Readiness> {
  let last: { readonly atMs: number; readonly found: Promise<Readiness> } | undefined;
  let parts: Readiness["parts"] = {};
  metrics.gauge("sprf_daemon_ready_parts", () =>
    Object.entries(parts).map(([part, { ready }]) => ({ labels: { part }, value: ready ? 1 : 0 })),
  );

  async function lookAt(check: ReadinessCheck): Promise<readonly [string, PartReadiness]> {
    const { part } = check;
    try {
      const facts = await within(async (signal) => await check.look({ signal }), { clock, timeoutMs: LOOK_MS });
      const { ageSeconds } = facts;
      if (maxAgeSeconds > 0 && ageSeconds !== undefined && ageSeconds > maxAgeSeconds) {
        const problem = `nothing new for ${ageSeconds} s, more than ${maxAgeSeconds}`;
        return [part, { ...facts, ready: false, problem }];
      }
      return [part, { ...facts, ready: facts.problem === undefined }];
    } catch (error) {
      const problem = error instanceof SprfError ? `${error.code}: ${error.message}` : messageOf(error);
      return [part, { ready: false, problem }];
    }
  }

  async function lookAtAll(): Promise<Readiness> {
    parts = Object.fromEntries(await Promise.all(checks.map(lookAt)));
    return { ready: Object.values(parts).every(({ ready }) => ready), parts };
  }

  return async () => {
    const now = clock.now();
    if (last === undefined || now - last.atMs >= KEPT_MS) last = { atMs: now, found: lookAtAll() };
    return await last.found;
  };
}
