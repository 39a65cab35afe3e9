import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createPostgres, type Postgres, type PostgresInit } from "../../../../src/adapters/postgres/connect.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../../../helpers/postgres.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { createTcpLink, type TcpLink } from "../../../helpers/tcp-link.ts";
import { until } from "../../../helpers/until.ts";

const TIMEOUT_MS = 60_000;

describeWithPart("postgres", postgresAbsent(), "adapters/postgres/connect: a network that fails", function () {
  this.timeout(TIMEOUT_MS);
  let server: PostgresServer;
  let link: TcpLink;
  let far: Postgres;
  let near: Postgres;

  const connect = (url: string, init: Pick<PostgresInit, "answerMs"> = {}): Postgres =>
    createPostgres({ url, ...init, clock: systemClock, logger: createMemoryLogger() });
  const byLink = (): string => server.url.replace(`:${server.port}`, `:${link.port}`);

  before(async () => {
    server = await startPostgres();
    near = connect(server.url);
    await near.pool.query("CREATE TABLE counts (id int PRIMARY KEY, n int)");
    await near.pool.query("INSERT INTO counts VALUES (1, 0)");
  });
  beforeEach(async () => {
    link = await createTcpLink(server.port);
    far = connect(byLink());
  });
  afterEach(async () => {
    link.carry(Number.POSITIVE_INFINITY);
    await link.cut();
    await far.close();
  });
  after(async () => {
    await near.close();
    await server.remove();
  });

  it("should not end the process when a connection ends that somebody has and asks nothing", async () => {
    const client = await far.pool.connect();
    await client.query("BEGIN");
    const ended = new Promise((resolve) => client.once("end", resolve));
    await link.cut();
    await ended;
    client.release(true);
    await link.mend();
    const { rows } = await far.patiently(async () => await far.pool.query<{ one: number }>("SELECT 1 AS one"));
    expect(rows).to.deep.equal([{ one: 1 }]);
  });

  it("should ask again when no answer comes", async () => {
    await far.close();
    far = connect(byLink(), { answerMs: 1_000 });
    const ask = async (): Promise<unknown[]> =>
      await far.patiently(async () => (await far.pool.query("SELECT 1 AS one")).rows as unknown[]);
    await ask();
    link.carry(0);
    const asked = ask();
    // Its question, and the greeting of the connection by which it asks again.
    await until(() => link.held >= 2, { timeoutMs: TIMEOUT_MS / 2, what: "it has asked again" });
    link.carry(Number.POSITIVE_INFINITY);
    expect(await asked).to.deep.equal([{ one: 1 }]);
  });

  it("should let others on when one is cut off in the middle of a transaction", async () => {
    const client = await far.pool.connect();
    await client.query("BEGIN");
    await client.query("UPDATE counts SET n = 10 WHERE id = 1");
    link.carry(0);
    const sql = "UPDATE counts SET n = n + 1 WHERE id = 1 RETURNING n";
    const { rows } = await near.patiently(async () => await near.pool.query<{ n: number }>(sql));
    expect(rows, "and nothing of it is left").to.deep.equal([{ n: 1 }]);
    client.release(true);
  });
});
