import { journalState } from "../../examples/programs/journal.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import { mainJobSuite } from "../helpers/main-job-suite.ts";

mainJobSuite({
  kind: "wasi",
  vetted: [],
  program: async (client) => await exampleModule(async (bytes) => await client.putFile(bytes)),
  // The program's state is the journal itself, so its bytes follow from the entries alone.
  async stateAfter(inputs) {
    const entries = inputs.map((input) => new TextDecoder().decode(input).replace(/^.*\n/, "")).join("");
    return new TextEncoder().encode(`${journalState([])}${entries}`);
  },
});
