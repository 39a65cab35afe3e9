import { expect } from "chai";

import type { Ledger } from "../../../src/ports/ledger.ts";
import { anchorAnswers } from "../../helpers/anchor-answers.ts";
import { askAll } from "../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { until } from "../../helpers/until.ts";

describe("client: two users of one program", () => {
  let scene: ExecutionScene;

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 600 });
  });
  after(() => scene.stop());

  /** The ledger, on which those who submit for the first time wait for each other and then for a ledger that has just begun. */
  const meeting = (members: number): { ledger: Ledger; submissions: string[] } => {
    const { ledger } = scene.client;
    const submissions: string[] = [];
    const envelopes = new Set<string>();
    const together = Promise.withResolvers<void>();
    return {
      submissions,
      ledger: {
        ...ledger,
        async submit(envelopeXdr, options) {
          envelopes.add(envelopeXdr);
          if (envelopes.size === members) {
            const { sequence } = await ledger.latest();
            await until(async () => (await ledger.latest()).sequence > sequence, { what: "a ledger closed" });
            together.resolve();
          }
          await together.promise;
          const result = await ledger.submit(envelopeXdr, options);
          submissions.push(result.status === "refused" ? result.code : result.status);
          return result;
        },
      },
    };
  };

  it("should land one of two transitions that meet in the ledger's queue, and tell the other user it was overtaken", async () => {
    const program = await scene.program("probe");
    const users = [await scene.user(), await scene.user()];
    const paid = await Promise.all(users.map(async (user, n) => await scene.paid(user, program, `append race ${n}\n`)));
    const answers = await Promise.all(paid.map(async ({ signed }) => await askAll(scene.workers, signed)));
    const { ledger, submissions } = meeting(2);
    const landed = await Promise.all(
      users.map(async (user, n) => await anchorAnswers({ ...scene.client, ledger }, paid[n]!, answers[n]!, user)),
    );
    expect(landed.filter((each) => each?.successful === true)).to.have.length(1);
    expect(landed.filter((each) => each === undefined)).to.have.length(1);
    expect(submissions.slice(0, 2)).to.have.members(["pending", "tx_insufficient_fee"]);
  });
});
