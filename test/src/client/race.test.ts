import { expect } from "chai";

import { execute, type ExecuteStep, type ExecutionResult } from "../../../src/client/execute.ts";
import { readState } from "../../../src/client/read-state.ts";
import { gasFeeStroops } from "../../../src/domain/program/gas.ts";
import { isSprfError } from "../../../src/errors.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { anchorAnswers } from "../../helpers/anchor-answers.ts";
import { askAll } from "../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { until } from "../../helpers/until.ts";

describe("client: users of one program who race", () => {
  let scene: ExecutionScene;

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 1_000 });
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
    const users = await Promise.all([scene.user(), scene.user()]);
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

  /** Lets users race, and checks that what came of it adds up. */
  const race = async (count: number): Promise<{ readonly landed: number }> => {
    const program = await scene.program("probe");
    const users = await Promise.all(Array.from({ length: count }, async () => await scene.user()));
    const before = await scene.account(program);
    const balanceOf = async (account: string): Promise<bigint> =>
      (await scene.client.ledger.account(account, []))?.account.balanceStroops ?? 0n;
    const [initial = 0n] = await Promise.all(users.map(async ({ account }) => await balanceOf(account)));
    const steps = users.map((): ExecuteStep["step"][] => []);
    const ends = await Promise.all(
      users.map(async (wallet, n): Promise<ExecutionResult | string> => {
        const input = { bytes: new Uint8Array(utf8(`append <${n}>\n`)) };
        const onProgress = ({ step }: ExecuteStep): void => void steps[n]?.push(step);
        return await execute(scene.client, { program, wallet, input }, { onProgress }).catch((error: unknown) => {
          if (isSprfError(error)) return error.code;
          throw error;
        });
      }),
    );

    const landed = ends.flatMap((end, n) => (typeof end === "string" ? [] : [{ ...end, n }]));
    const ledgerOf = ({ transition }: ExecutionResult): number => transition?.ledger ?? 0;
    expect(new Set(landed.map(ledgerOf)).size).to.equal(landed.length);
    expect(ends.filter((end) => typeof end === "string" && end !== "OVERTAKEN")).to.deep.equal([]);
    // Who was overtaken had all the tries that a payment buys.
    for (const [n, end] of ends.entries()) {
      if (end === "OVERTAKEN") expect(steps[n]?.filter((step) => step === "contended").length).to.be.at.least(2);
    }
    const inOrder = [...landed].sort((one, other) => ledgerOf(one) - ledgerOf(other));
    const { bytes } = await readState(scene.client, program);
    expect(new TextDecoder().decode(bytes)).to.equal(inOrder.map(({ n }) => `<${n}>`).join(""));

    const after = await scene.account(program);
    const gas = landed.map(({ answer }) => gasFeeStroops(answer.gas, before.gasPriceStroops));
    const base = BigInt(count) * before.baseFeeStroops;
    expect(after.spendableStroops - before.spendableStroops).to.equal(gas.reduce((sum, fee) => sum + fee, base));
    for (const [n, end] of ends.entries()) {
      const paid = initial - (await balanceOf(users[n]?.account ?? ""));
      // The network takes 100 stroops for the payment and 300 for a transition that lands.
      const fees = typeof end === "string" ? 100n : 400n + gasFeeStroops(end.answer.gas, before.gasPriceStroops);
      expect(paid).to.equal(before.baseFeeStroops + fees);
    }
    return { landed: landed.length };
  };

  it("should give each of two and of ten users a clear end: one lands in a ledger, others run again, nobody pays twice", async () => {
    const [two, ten] = await Promise.all([race(2), race(10)]);
    expect(two.landed).to.equal(2);
    expect(ten.landed).to.be.at.least(1);
  }).timeout(120_000);
});
