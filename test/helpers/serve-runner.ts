import type { Runner } from "../../src/create-runner.ts";

/** Has a runner serve in this process, says on stdout that it does, and ends it in order on SIGTERM. */
export async function serveRunner(runner: Runner): Promise<void> {
  await runner.start();
  process.stdout.write(`${JSON.stringify({ runner: runner.name })}\n`);
  process.once("SIGTERM", () => {
    runner.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
