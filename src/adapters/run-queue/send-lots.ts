import type { PgBoss } from "pg-boss";

import type { Postgres } from "../postgres/connect.ts";
import { inLots } from "../../utils/in-lots.ts";
import { LOTS, asDb, inTransaction } from "./boss.ts";
import { CHANNEL_NEW } from "./tables.ts";
import { takeTurns } from "./take-turns.ts";

export interface SentRun {
  readonly id: string;
  readonly queue: string;
  readonly priority: number;
  readonly expireInSeconds: number;
  readonly worker: string;
  readonly program: string;
  /** Whether it ends sooner than one of its program that waits: these change places. */
  readonly passes: boolean;
  readonly data: object;
}

/** Puts runs into the queue and tells those who may take them. Sent again after an outage, a run is there already by its id. */
export function sendInLots({ pool }: Postgres, opened: () => PgBoss): (run: SentRun) => Promise<void> {
  return inLots(async (runs) => {
    await inTransaction(pool, async (client) => {
      for (const [queue, own] of Map.groupBy(runs, (run) => run.queue)) {
        const jobs = own.map(({ id, priority, expireInSeconds, program, data }) => {
          return { id, priority, expireInSeconds, data, group: { id: program } };
        });
        await opened().insert(queue, jobs, { db: asDb(client) });
        for (const [program, its] of Map.groupBy(own, (run) => run.program)) {
          const passing = its.find(({ passes }) => passes);
          if (passing !== undefined) await takeTurns(client, { queue, worker: passing.worker, program });
        }
        await client.query("SELECT pg_notify($1, $2)", [CHANNEL_NEW, queue]);
      }
      return true;
    });
    return runs.map(() => undefined);
  }, LOTS);
}
