import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createStellarRpcLedger } from "../../../src/adapters/ledger/stellar-rpc.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { createStellarDevnet, type StellarDevnet } from "../../../src/devnet/stellar/create-stellar-devnet.ts";
import { codeOf } from "../../helpers/code-of.ts";

const FIRST_STROOPS = 10_000n * 10n ** 7n;

describe("devnet/fund", () => {
  let ledger: StellarDevnet;
  before(async () => {
    ledger = await createStellarDevnet({ closeEveryMs: 0, logger: createMemoryLogger() });
  });
  after(async () => {
    await ledger?.stop();
  });

  it("should give an account 10,000 XLM once, and leave it as it is after that", async () => {
    const account = Keypair.random().publicKey();
    await fundAccount(ledger.friendbotUrl, account);
    await fundAccount(ledger.friendbotUrl, account);
    expect(await balanceOf(account)).to.equal(FIRST_STROOPS);
  });

  it("should say so when the friendbot refuses", async () => {
    expect(await codeOf(fundAccount(ledger.friendbotUrl, "nobody"))).to.equal("LEDGER_UNREACHABLE");
  });

  async function balanceOf(account: string): Promise<bigint | undefined> {
    return (await createStellarRpcLedger(ledger).account(account, []))?.account.balanceStroops;
  }
});
