// Started by the test of shutdowns: says each step, and never ends by itself once it was told to.
import { shutdownSignal } from "../../src/cli/shutdown.ts";

if (process.argv[1] === import.meta.filename) {
  shutdownSignal().addEventListener("abort", () => process.stdout.write("ending\n"));
  process.stdout.write("up\n");
  setInterval(() => undefined, 1_000);
}
