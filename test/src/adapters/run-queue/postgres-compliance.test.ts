import { runsCompliance } from "../../../compliance/runs.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../../../helpers/postgres.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { createRunFleet } from "../../../helpers/run-fleet.ts";

describeWithPart("postgres", postgresAbsent(), "adapters/run-queue/postgres: the port", () => {
  let server: PostgresServer;

  before(async function () {
    this.timeout(60_000);
    server = await startPostgres();
  });
  after(async () => await server.remove());

  runsCompliance("runners over PostgreSQL", async (engine) => {
    const fleet = await createRunFleet(server.url);
    await fleet.addRunner("one", engine);
    return { runs: fleet.runs, content: fleet.content, stop: async () => await fleet.stop() };
  });
});
