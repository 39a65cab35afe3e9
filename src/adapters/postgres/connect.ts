import pg from "pg";

import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** A network that was cut says nothing: whoever waits for an answer would wait for as long as TCP does, a quarter of an hour. */
const ANSWER_MS = 20_000;
/** What whoever was cut off in the middle of a transaction has locked is free again after that, or nobody could take over from him. */
const IDLE_TRANSACTION_MS = 10_000;
/** What listens and is not asked sees that the other side is gone. */
const KEEP_ALIVE_MS = 10_000;
/** The server's own default is to hold the locks of a machine that is gone for two hours. */
const SERVER_OPTIONS = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";
const POOL_SIZE = 8;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** Class 08 is of connections; the others say that the server stops, starts, has no room at the moment or has ended a transaction. */
const AWAY_STATES = /^(08...|57P0[123]|53300|25P03)$/;
const AWAY_CODES = ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOENT", "EHOSTUNREACH", "ENETUNREACH"];
const AWAY_WORDS =
  /connection (?:terminated|error|timeout)|timeout exceeded when trying to connect|query read timeout|not queryable/i;

export interface PostgresInit {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a call waits for a server that is away, as while it restarts. @default 60 s */
  readonly patienceMs?: number;
  /** How long an answer may take before the connection is given up. @default 20 s */
  readonly answerMs?: number;
}

export interface PostgresOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Connections to one database, which wait for a server that is away. */
export interface Postgres {
  readonly pool: pg.Pool;
  /**
   * Does `work`, again after each time that the server went away in its middle: it has to come to the same when it is done twice.
   *
   * @throws SprfError `DATABASE_UNAVAILABLE` when the server stays away, and for what it refuses
   */
  readonly patiently: <T>(work: () => Promise<T>, options?: PostgresOptions) => Promise<T>;
  /** Ends all connections; what waits for a server ends with `DATABASE_UNAVAILABLE`. */
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** Nothing is connected before something is asked. @throws SprfError `CONFIG_INVALID` when `url` is none of a PostgreSQL database */
export function createPostgres({
  url,
  clock,
  logger,
  patienceMs = PATIENCE_MS,
  answerMs = ANSWER_MS,
}: PostgresInit): Postgres {
  const pool = new pg.Pool({
    connectionString: checkedUrl(url),
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: answerMs,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    options: SERVER_OPTIONS,
    application_name: "sprf",
  });
  // Whoever has taken a connection hears of its end from the query; without a listener it would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  // An idle connection that ends is made anew when it is needed.
  pool.on("error", (error) => logger.debug("a connection to the database ended", { reason: messageOf(error) }));
  const closing = new AbortController();

  async function patiently<T>(work: () => Promise<T>, { signal }: PostgresOptions = {}): Promise<T> {
    const untilMs = clock.now() + patienceMs;
    const either = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      signal?.throwIfAborted();
      if (closing.signal.aborted) throw new SprfError("DATABASE_UNAVAILABLE", "the connections are closed");
      try {
        return await work();
      } catch (error) {
        if (error instanceof SprfError) throw error;
        if (!isAway(error) || clock.now() >= untilMs) {
          throw new SprfError("DATABASE_UNAVAILABLE", `PostgreSQL: ${messageOf(error)}`, { cause: error });
        }
        logger.warn("the database is away; waiting for it", { reason: messageOf(error) });
      }
      await clock.sleep(pauseMs, { signal: either }).catch((error: unknown) => {
        if (!closing.signal.aborted) throw error;
      });
    }
  }

  return {
    pool,
    patiently,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await pool.end();
    },
  };
}

/** Whether it says that the server cannot be reached now, and nothing about what was asked. */
export function isAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isAway);
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return AWAY_STATES.test(code) || AWAY_CODES.includes(code) || AWAY_WORDS.test(error.message);
}

function checkedUrl(url: string): string {
  if (URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)) return url;
  // The URL holds a password, so that it is not shown.
  throw new SprfError("CONFIG_INVALID", "database.url is no postgres://user:password@host:port/database");
}
