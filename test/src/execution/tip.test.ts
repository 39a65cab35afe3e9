import { Memo, Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { execute } from "../../../src/client/execute.ts";
import { submitAndWait } from "../../../src/client/submit.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { programTransaction } from "../../../src/domain/program/program-transaction.ts";
import { isSprfError } from "../../../src/errors.ts";
import { findTip } from "../../../src/execution/tip.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { refusalOf } from "../../helpers/ask-all.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { feeBump } from "../../helpers/fee-bump.ts";
import { keptBy, prepay } from "../../helpers/prepaid.ts";

describe("the tip of a program whose workers signed a transaction without a record", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  before(async () => {
    scene = await createExecutionScene();
    wallet = await scene.user();
  });
  after(() => scene.stop());

  const append = async (program: string): Promise<unknown> =>
    await execute(scene.client, { program, wallet, input: { bytes: new Uint8Array(utf8("append 1\n")) } });
  /** Lands a transaction of a majority; resolves with its hash. */
  const landUnrecorded = async (program: string, entry: { name: string; value: string }): Promise<string> => {
    const account = await scene.account(program);
    const { recordCid } = await findTip(scene.client.ledger, account);
    const maxTime = BigInt(Math.floor(scene.clock.now() / 1_000) + 60);
    const network = scene.devnet.networkPassphrase;
    const transaction = programTransaction({ network, program, sequence: account.sequence, maxTime, recordCid })
      .addMemo(Memo.text("no record"))
      .addOperation(Operation.manageData(entry))
      .build();
    transaction.sign(...scene.workers.slice(0, 2).map(({ ledgerKey }) => ledgerKey));
    const landed = await submitAndWait(scene.client, feeBump(transaction, wallet.signers[0], network), Number(maxTime));
    return landed.hash;
  };

  for (const { what, name, value } of [
    { what: "leaves the state", name: "gas_price", value: "99" },
    {
      what: "sets the state",
      name: "current_state",
      value: "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
    },
  ]) {
    it(`should be named as gone for good when it ${what}, to workers and clients too`, async () => {
      const program = await scene.program("probe");
      await append(program);
      const paid = await prepay(scene, wallet, program, "append never;");
      const hash = await landUnrecorded(program, { name, value });
      const error = await findTip(scene.client.ledger, await scene.account(program)).catch((thrown: unknown) => thrown);
      expect(isSprfError(error) && error.code).to.equal("HISTORY_BROKEN");
      expect(isSprfError(error) && error.context).to.include({ transaction: hash });
      expect(await codeOf(append(program))).to.equal("HISTORY_BROKEN");
      expect(await refusalOf(scene.workers[0]!, paid.signed)).to.equal("HISTORY_BROKEN");
      expect(await keptBy(scene.workers[0]!)).to.equal(0);
    }).timeout(20_000);
  }
});
