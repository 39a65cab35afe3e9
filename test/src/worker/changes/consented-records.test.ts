import { expect } from "chai";

import { bumpProgram, changeProgram } from "../../../../src/client/change-program.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { encodeCanonical, recordCidOf } from "../../../../src/wire/canonical.ts";
import type { Consent } from "../../../../src/wire/proposal.ts";
import { createConsentedRecords } from "../../../../src/worker/changes/consented-records.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { until } from "../../../helpers/until.ts";

describe("consents of workers", () => {
  let scene: ExecutionScene;
  let owner: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    owner = await scene.user();
  });
  after(() => scene.stop());

  const terms = (gasPriceStroops: bigint): Parameters<typeof changeProgram>[1]["change"] => ({
    kind: "terms",
    terms: { baseFeeStroops: 1_000n, gasPriceStroops },
  });

  it("should keep records for as long as they can land, and those that did for good", async () => {
    const program = await scene.program("probe", { owner: owner.account });
    const landed = await changeProgram(scene.client, { program, change: terms(7n), wallet: owner });
    const landedBlock = await scene.workers[0]?.content.localBlock(landed.recordCid);
    if (landedBlock === undefined) throw new Error("expected the worker to hold the record");

    const clock = scene.clock;
    const content = createMemoryContentStore({ peers: () => [], clock, logger: createMemoryLogger() });
    await content.start();
    const records = createConsentedRecords({ store: createMemoryStore(), content, ledger: scene.client.ledger });
    const block = encodeCanonical({ never: "landed" });
    const cid = recordCidOf(block);
    await Promise.all(
      [1, 2, 3].map(
        async () => await records.keep(block, { recordCid: cid, transactionHash: "ab".repeat(32), validUntil: 1_000n }),
      ),
    );
    await records.keep(landedBlock, {
      recordCid: landed.recordCid,
      transactionHash: landed.transactionHash,
      validUntil: 1_000n,
    });
    const kept = async (each: string): Promise<boolean> => {
      await content.collect();
      return await content.has(each);
    };
    await records.prune(1_000);
    expect(await kept(cid)).to.equal(true);
    await records.prune(1_200);
    expect(await kept(cid)).to.equal(false);
    expect(await kept(landed.recordCid)).to.equal(true);
    await content.stop();
  }).timeout(20_000);

  it("should not be used when they are for another transaction, another worker's, or wrong", async () => {
    const program = await scene.program("probe", { owner: owner.account });
    const { workerApi } = scene.client;
    const lies: Readonly<Record<string, (consent: Consent) => Consent>> = {
      "another transaction": (consent) => ({ ...consent, transactionHash: new Uint8Array(32) }),
      "another worker": (consent) => ({ ...consent, worker: owner.account }),
      "a wrong signature": (consent) => ({ ...consent, signature: new Uint8Array(64) }),
    };
    for (const [name, lie] of Object.entries(lies)) {
      const lying = {
        ...workerApi,
        consent: async (...args: Parameters<typeof workerApi.consent>) => lie(await workerApi.consent(...args)),
      };
      const work = changeProgram({ ...scene.client, workerApi: lying }, { program, change: terms(9n), wallet: owner });
      expect(await codeOf(work), name).to.equal("NO_MAJORITY");
    }
    let asked = 0;
    const oneLies = {
      ...workerApi,
      consent: async (...args: Parameters<typeof workerApi.consent>) => {
        const consent = await workerApi.consent(...args);
        return asked++ === 0 ? { ...consent, signature: new Uint8Array(64) } : consent;
      },
    };
    await changeProgram({ ...scene.client, workerApi: oneLies }, { program, change: terms(9n), wallet: owner });
    expect((await scene.account(program)).gasPriceStroops).to.equal(9n);
  }).timeout(20_000);

  it("should end with the caller's signal", async () => {
    const program = await scene.program("probe", { owner: owner.account });
    const abort = new AbortController();
    let waiting = 0;
    const stuck = {
      ...scene.client.workerApi,
      consent: async (_url: string, _proposal: unknown, options: { signal?: AbortSignal | undefined } = {}) => {
        waiting += 1;
        return await new Promise<never>((_, reject) => {
          options.signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
        });
      },
    };
    const work = changeProgram(
      { ...scene.client, workerApi: stuck },
      { program, change: terms(9n), wallet: owner },
      { signal: abort.signal },
    );
    const ended = work.then(
      () => "landed",
      () => "aborted",
    );
    await until(() => waiting === 3, { what: "all workers to be asked" });
    abort.abort();
    expect(await ended).to.equal("aborted");
    expect(await codeOf(bumpProgram(scene.client, { program, wallet: owner }))).to.equal("BUMP_REFUSED");
  }).timeout(20_000);
});
