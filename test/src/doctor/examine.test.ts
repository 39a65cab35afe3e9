import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { examineAll, type Check, type Finding } from "../../../src/doctor/examine.ts";
import { SprfError } from "../../../src/errors.ts";
import type { Clock } from "../../../src/ports/clock.ts";

const check = (part: string, examine: Check["examine"]): Check => ({ part, examine });
const never = async (): Promise<never> => await new Promise(() => undefined);

describe("doctor/examine", () => {
  it("should find each part's state, whatever the others do, and keep the checks' order", async () => {
    const told: Finding[] = [];
    const findings = await examineAll(
      [
        check("one", async () => {
          throw new SprfError("LEDGER_UNREACHABLE", "nobody there");
        }),
        check("two", async () => ({ health: "ok", detail: "fine" })),
        check("three", async () => {
          throw new TypeError("a fault");
        }),
      ],
      { clock: systemClock, signal: new AbortController().signal, onFinding: (finding) => told.push(finding) },
    );
    expect(findings.map(({ part, health }) => [part, health])).to.deep.equal([
      ["one", "failed"],
      ["two", "ok"],
      ["three", "failed"],
    ]);
    expect(findings[0]).to.include({ detail: "nobody there" }).and.to.have.property("mend").that.is.a("string");
    expect(findings[2]?.mend).to.contain("bug");
    expect(told).to.have.deep.members([...findings]);
  });

  it("should give up on a part that does not answer, and on all when it is told to", async () => {
    /** Its time is over at once. */
    const hasty: Clock = { ...systemClock, sleep: async () => undefined };
    const signal = new AbortController().signal;
    const [finding] = await examineAll([check("mute", never)], { clock: hasty, signal });
    expect(finding).to.include({ part: "mute", health: "failed" });

    const controller = new AbortController();
    const examined = examineAll([check("mute", never)], { clock: systemClock, signal: controller.signal });
    controller.abort(new SprfError("ABORTED", "enough"));
    expect(await examined.catch((error: unknown) => error)).to.have.property("code", "ABORTED");
  });
});
