// A process that plays the calls it is sent and answers with the digests of what they came to.
import { playJob, type PlayJob } from "./execution-digest.ts";

process.once("message", (jobs: readonly PlayJob[]) => {
  void answer(jobs);
});

async function answer(jobs: readonly PlayJob[]): Promise<void> {
  const digests: string[] = [];
  for (const job of jobs) digests.push((await playJob(job)).digest);
  process.send?.(digests, () => process.disconnect());
}
