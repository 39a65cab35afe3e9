import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { describeWithPart } from "../../helpers/require-parts.ts";
import { runCommandLine } from "../../helpers/command.ts";
import { openTerminal, terminalAbsence } from "../../helpers/terminal.ts";

const noScript = await terminalAbsence("script");
const SUITE_TIMEOUT_MS = 60_000;
const USER = 2;
const COLOUR = "\u001B[3";
const SPRF = fileURLToPath(new URL("../../../src/cli/sprf.ts", import.meta.url));
/** Ends at once with an error. */
const COMMAND = "program build /nonexistent";

describe("cli/paint", function () {
  this.timeout(SUITE_TIMEOUT_MS);

  it("should write no colours where there is no terminal, unless it is told to", async () => {
    const plain = await runCommandLine(`npx sprf ${COMMAND}`, { FORCE_COLOR: "0" });
    expect(plain.stderr).to.match(/^error PROJECT_INVALID: /);
    const forced = await runCommandLine(`npx sprf ${COMMAND}`, { FORCE_COLOR: "1" });
    expect(forced.stderr).to.contain(`${COLOUR}1merror PROJECT_INVALID:`);
    expect(forced.code).to.equal(USER);
  });

  describeWithPart("script", noScript, "terminals", () => {
    it("should write colours on a terminal, unless it is told not to", async () => {
      for (const [environment, isColoured] of [
        [{}, true],
        [{ NO_COLOR: "1" }, false],
      ] as const) {
        const terminal = openTerminal(`${process.execPath} ${SPRF} ${COMMAND}`, environment);
        expect(await terminal.ended).to.equal(USER);
        expect(terminal.text).to.match(/error PROJECT_INVALID: /);
        expect(terminal.shown.includes(COLOUR), JSON.stringify(environment)).to.equal(isColoured);
      }
    });
  });
});
