import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { signAnswer } from "../../../../src/wire/execution-answer.ts";
import { createAttempts, type Attempt } from "../../../../src/worker/executions/attempts.ts";

const HOUR_MS = 60 * 60 * 1_000;
const CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

describe("worker/executions/attempts", () => {
  it("should forget what is both old and of an epoch that is final, and nothing else", async () => {
    const store = createMemoryStore();
    const clock = { nowMs: 0, now: () => clock.nowMs };
    let block = 100;
    const attempts = createAttempts({ store, clock, latestBlock: () => block });
    const [first, second] = [attemptAt(1), attemptAt(2)];
    await attempts.add(first);
    block = 200;
    clock.nowMs = HOUR_MS;
    await attempts.add(second);

    clock.nowMs = 2 * HOUR_MS - 1;
    expect(await attempts.prune(1_000), "its payment may still be shown").to.equal(0);
    clock.nowMs = 10 * HOUR_MS;
    expect(await attempts.prune(100), "an outcome may still rest on it").to.equal(0);
    expect(await attempts.prune(200)).to.equal(1);
    expect(await attempts.of(first.signed.answer.requestHash)).to.deep.equal([]);
    expect(await attempts.of(second.signed.answer.requestHash)).to.deep.equal([second]);
    expect(await attempts.prune(201)).to.equal(1);
    expect(await store.list("attempts")).to.deep.equal([]);
    expect(await store.list("attempts-answered")).to.deep.equal([]);
  });
});

function attemptAt(n: number): Attempt {
  const signer = { ledgerKey: Keypair.random(), messagePrivateKey: new Uint8Array(32).fill(n) };
  const answer = {
    requestHash: new Uint8Array(32).fill(n),
    sequence: BigInt(n),
    previousState: CID,
    status: "rejected" as const,
    outputCid: CID,
    newState: CID,
    gas: 1n,
  };
  return { signed: signAnswer(answer, signer, undefined), output: new Uint8Array(0), detail: "" };
}
