import { setImmediate as turn } from "node:timers/promises";

import { expect } from "chai";

import { raceAbort } from "../../../src/utils/abort.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("raceAbort", () => {
  it("leaves no unhandled rejection behind when the signal has aborted before", async () => {
    let unhandled = 0;
    const count = (): void => void (unhandled += 1);
    process.on("unhandledRejection", count);
    try {
      expect(await codeOf(raceAbort(Promise.reject(new Error("late")), AbortSignal.abort()))).to.equal("ABORTED");
      for (let i = 0; i < 3; i += 1) await turn();
      expect(unhandled).to.equal(0);
    } finally {
      process.off("unhandledRejection", count);
    }
  });
});
