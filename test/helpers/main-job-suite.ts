import { expect } from "chai";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";

import { balancesCsv, entriesToCsv, generateEntries } from "../../examples/programs/journal.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { fundAccount } from "../../src/devnet/fund.ts";
import { runMainJob, type MainJobResult } from "../../src/devnet/main-job.ts";
import { settleJob } from "../../src/devnet/settle-job.ts";
import type { SprfClient } from "../../src/create-client.ts";
import type { ProgramReference } from "../../src/ports/engine.ts";
import { startMarketInProcesses, type MarketInProcesses, type RunningWorker } from "./market-in-processes.ts";

const RAW = 0x55;
const SECOND_USER = 2;
const ENTRIES_AN_EXECUTION = 40;
const LONG_BLOCKS = 900;
const ONE_EPOCH_BLOCKS = 60;
const SUITE_TIMEOUT_MS = 180_000;

export interface MainJobSuiteInit {
  readonly kind: ProgramReference["kind"];
  readonly vetted: readonly string[];
  readonly program: (client: SprfClient) => Promise<ProgramReference>;
  /** The state after these inputs, computed without SPRF. */
  readonly stateAfter: (inputs: readonly Uint8Array[]) => Promise<Uint8Array>;
}

/** The main job between processes, with one worker killed, and with one that lies. */
export function mainJobSuite({ kind, vetted, program, stateAfter }: MainJobSuiteInit): void {
  describe(`the main job on ${kind}`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    const entries = generateEntries(6 * ENTRIES_AN_EXECUTION, 7);
    const inputs = Array.from({ length: 6 }, (_, n) =>
      new TextEncoder().encode(entriesToCsv(entries.slice(n * ENTRIES_AN_EXECUTION, (n + 1) * ENTRIES_AN_EXECUTION))),
    );
    let market: MarketInProcesses;
    let honest: readonly [RunningWorker, RunningWorker, RunningWorker];
    let job: MainJobResult;

    before(async () => {
      const engines = kind === "wasi" ? (["wasi"] as const) : (["wasi", kind] as const);
      market = await startMarketInProcesses({ workers: 3, testers: 3, engines, vetted });
      const [first, second, third] = market.workers;
      if (first === undefined || second === undefined || third === undefined) throw new Error("three workers expected");
      honest = [first, second, third];
    });
    after(async () => {
      await market?.stop();
    });

    it("should anchor the entries of two users in the very state that follows from them", async () => {
      job = await runMainJob(
        {
          client: market.client,
          friendbotUrl: market.devnet.friendbotUrl,
          secondUser: SECOND_USER,
          program: await program(market.client),
          inputs: inputs.slice(0, 3),
          lengthBlocks: LONG_BLOCKS,
          workers: honest.map(({ workerId }) => workerId),
        },
        () => undefined,
      );
      expect(job.executions.map(({ transition }) => transition !== undefined)).to.deep.equal([true, true, true]);
      await expectState(3);
      expect(new TextDecoder().decode(job.executions[2]?.output)).to.equal(
        balancesCsv(entries.slice(0, 3 * ENTRIES_AN_EXECUTION)),
      );
    });

    it("should still anchor with one of three workers killed", async () => {
      await honest[2].kill();
      const result = await market.client.execute({ program: job.program, input: { bytes: input(3) } });
      expect(result.transition).to.not.equal(undefined);
      await expectState(4);
    });

    it("should count on the killed worker again after its restart, found without buying anew", async () => {
      await honest[2].restart();
      const found = await market.client.findWorkers(job.agreement);
      expect(found.map(({ apiUrl }) => apiUrl)).to.include(honest[2].apiUrl);
      // Now its signature is needed: the majority of three is two.
      await honest[0].kill();
      const result = await market.client.execute({ program: job.program, input: { bytes: input(4) } });
      expect(result.transition).to.not.equal(undefined);
      await expectState(5);
      await honest[0].restart();
    });

    it("should have the workers themselves anchor what was prepaid", async () => {
      const { workers } = await market.client.program(job.program);
      for (const { ledgerKey } of workers) await fundAccount(market.devnet.friendbotUrl, ledgerKey);
      const parts = { program: job.program, form: "prepaid" as const, input: { bytes: input(5) } };
      const result = await market.client.execute(parts);
      expect(result.transition).to.not.equal(undefined);
      await expectState(6);
    });

    it("should anchor what the honest majority signed, and have the liar found wrong by the testers", async () => {
      const workers = [honest[0].workerId, honest[1].workerId, market.liar.workerId];
      const { client, devnet } = market;
      const lied = await runMainJob(
        {
          client,
          friendbotUrl: devnet.friendbotUrl,
          secondUser: SECOND_USER,
          program: await program(client),
          inputs: inputs.slice(0, 1),
          lengthBlocks: ONE_EPOCH_BLOCKS,
          workers,
        },
        () => undefined,
      );
      expect(Buffer.from(lied.state.bytes).equals(await stateAfter(inputs.slice(0, 1)))).to.equal(true);
      const settled = await settleJob(devnet.networks.chain, devnetKeys(1), lied.agreement, () => undefined);
      const order = (await client.agreement(lied.agreement)).workerIds;
      expect(Object.fromEntries(order.map((id, index) => [id, settled.outcomes[index]]))).to.deep.equal({
        [workers[0] ?? 0]: "ok",
        [workers[1] ?? 0]: "ok",
        [market.liar.workerId]: "wrong",
      });
    });

    function input(index: number): Uint8Array<ArrayBuffer> {
      return inputs[index] ?? new Uint8Array();
    }

    async function expectState(executions: number): Promise<void> {
      const expected = await stateAfter(inputs.slice(0, executions));
      const state = await market.client.readState(job.program);
      expect(Buffer.from(state.bytes).equals(expected)).to.equal(true, "the bytes of the state");
      expect(state.cid).to.equal(CID.createV1(RAW, await sha256.digest(expected)).toString());
    }
  });
}
