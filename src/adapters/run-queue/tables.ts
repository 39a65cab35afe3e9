import type { Migrations } from "../postgres/migrate.ts";

/**
 * What is beside the library's own tables: who runs, who is run for, and what runners reported until the worker has it. A result is
 * written in the transaction that completes its job for the attempt that was taken, so there is one for each run. What runners did is
 * counted for each minute too, of which the last ones are kept.
 */
export const RUN_TABLES: Migrations = {
  part: "runs",
  steps: [
    `CREATE TABLE sprf.runners (
       id text PRIMARY KEY,
       engines text[] NOT NULL,
       capacity int NOT NULL,
       version text NOT NULL,
       started_at timestamptz NOT NULL DEFAULT now(),
       seen_at timestamptz NOT NULL DEFAULT now(),
       stopped_at timestamptz,
       set_aside_at timestamptz,
       set_aside_why text,
       done bigint NOT NULL DEFAULT 0,
       failed bigint NOT NULL DEFAULT 0,
       busy_ms bigint NOT NULL DEFAULT 0
     );
     CREATE TABLE sprf.run_workers (
       worker text PRIMARY KEY,
       multiaddrs text[] NOT NULL,
       gateway text NOT NULL,
       seen_at timestamptz NOT NULL DEFAULT now()
     );
     CREATE TABLE sprf.run_results (
       run uuid PRIMARY KEY,
       attempt int NOT NULL,
       worker text NOT NULL,
       runner text NOT NULL,
       claim jsonb NOT NULL,
       reported_at timestamptz NOT NULL DEFAULT now(),
       collected_at timestamptz
     );
     CREATE INDEX run_results_runner ON sprf.run_results (runner);`,
    `CREATE TABLE sprf.runner_minutes (
       runner text NOT NULL,
       minute timestamptz NOT NULL,
       done bigint NOT NULL,
       failed bigint NOT NULL,
       PRIMARY KEY (runner, minute)
     );
     ALTER TABLE sprf.run_workers ADD COLUMN waiting int NOT NULL DEFAULT 0, ADD COLUMN oldest_at timestamptz;`,
    // What a program says has any characters, of which jsonb takes no NUL.
    "ALTER TABLE sprf.run_results ALTER COLUMN claim TYPE json",
  ],
};

/** A runner that gave no sign of life for so long is not counted on. */
export const LIVE_SECONDS = 15;
/** Over so many minutes rates are taken. */
export const RATE_MINUTES = 5;
/** What nobody has collected by then is waited for by nobody. */
export const KEEP_RESULTS_SECONDS = 3_600;
/** Where a worker is that has said nothing for so long is not asked any more. */
export const KEEP_WORKERS_HOURS = 24;
/** A runner that is not there for so long begins anew; one that was set aside stays so. */
export const KEEP_RUNNERS_DAYS = 30;

/** Told of a job, with its queue. */
export const CHANNEL_NEW = "sprf_run_new";
/** Told of a result, with its run. */
export const CHANNEL_DONE = "sprf_run_done";
/** Told of a run that was taken back. */
export const CHANNEL_BACK = "sprf_run_back";
