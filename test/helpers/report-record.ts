import type { Postgres } from "../../src/adapters/postgres/connect.ts";
import type { RunClaimJson } from "../../src/wire/run-job.ts";

/** A result that was taken, and the job as it was in the transaction that took it. */
export interface TakenReport {
  readonly run: string;
  readonly attempt: number;
  readonly runner: string;
  readonly claim: RunClaimJson;
  readonly jobAttempt: number | undefined;
  readonly jobState: string | undefined;
}

/** Writes down every result that the database takes from here on: the queue's own tables forget what is over. */
export async function recordReports({ pool }: Postgres): Promise<() => Promise<readonly TakenReport[]>> {
  await pool.query(`
    CREATE TABLE reports (run uuid, attempt int, runner text, claim jsonb, job_attempt int, job_state text);
    CREATE FUNCTION record_report() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO reports SELECT NEW.run, NEW.attempt, NEW.runner, NEW.claim,
        (SELECT retry_count FROM sprf_queue.job WHERE id = NEW.run),
        (SELECT state FROM sprf_queue.job WHERE id = NEW.run);
      RETURN NEW;
    END $$;
    CREATE TRIGGER record_report AFTER INSERT OR UPDATE OF claim ON sprf.run_results
      FOR EACH ROW EXECUTE FUNCTION record_report()`);
  return async () => {
    const { rows } = await pool.query<TakenReport>(
      `SELECT run, attempt, runner, claim, job_attempt AS "jobAttempt", job_state AS "jobState" FROM reports`,
    );
    return rows;
  };
}
