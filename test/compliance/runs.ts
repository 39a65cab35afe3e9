import { expect } from "chai";

import { isSprfError } from "../../src/errors.ts";
import { readContent } from "../../src/execution/read-content.ts";
import type { ContentStore } from "../../src/ports/content-store.ts";
import type { RunPlan, Runs } from "../../src/ports/runs.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { codeOf } from "../helpers/code-of.ts";
import type { PlainEngine } from "../helpers/plain-engine.ts";
import { createPlainEngine } from "../helpers/plain-engine.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ";
const MODULE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const TIMEOUT_MS = 30_000;

export interface RunsSetup {
  readonly runs: Runs;
  /** Of whoever wants the runs. */
  readonly content: ContentStore;
  stop(): Promise<void>;
}

/** A plan for a plain engine: the state is what is stored of `before`. */
export async function planOf(content: ContentStore, input: string, before = "", nonce = 0): Promise<RunPlan> {
  // Every plan names it as its program; there is nothing in it.
  await content.putFile(new Uint8Array(0));
  return {
    program: PROGRAM,
    reference: { kind: "wasi", cid: MODULE },
    state: await content.putFile(utf8(before)),
    input: { bytes: new Uint8Array(utf8(input)) },
    sequence: 7n,
    time: 1_700_000_000n,
    seed: new Uint8Array(32).fill(nonce),
  };
}

/** What every implementation of the port must do. */
export function runsCompliance(name: string, setup: (engine: PlainEngine) => Promise<RunsSetup>): void {
  describe(`runs port: ${name}`, function () {
    this.timeout(TIMEOUT_MS);
    let engine: PlainEngine;
    let parts: RunsSetup;

    before(async () => {
      engine = createPlainEngine();
      parts = await setup(engine);
    });
    after(async () => await parts.stop());

    const textOf = async (cid: string): Promise<string> =>
      Buffer.from(await readContent(parts.content, cid, { maxBytes: 1_000_000 })).toString();

    it("gives what the program came to, held by whoever asked", async () => {
      const { runs, content } = parts;
      const outcome = await runs.run(await planOf(content, "more", "state "));
      expect(outcome).to.include({ status: "accepted", seconds: 1, detail: "" });
      expect(Buffer.from(outcome.output).toString()).to.equal("more");
      expect(await content.has(outcome.newState), "the state is here").to.equal(true);
      expect(await textOf(outcome.newState)).to.equal("state more");
      expect(await textOf(outcome.outputCid)).to.equal("more");
      // 1,000 fixed and 1,000 for a second, 4 bytes in and out, 6 and 10 bytes of state in one KiB.
      expect(outcome.gas).to.equal(2_018n);
    });

    it("gives the same for the same plan", async () => {
      const { runs, content } = parts;
      const plan = await planOf(content, "again", "and ");
      expect(await runs.run(plan)).to.deep.equal(await runs.run(plan));
    });

    it("says why a program rejected, and leaves the state", async () => {
      const { runs, content } = parts;
      const plan = await planOf(content, "reject", "kept");
      const outcome = await runs.run(plan);
      expect(outcome).to.include({ status: "rejected", newState: plan.state });
      expect(outcome.detail).to.include("as it was told");
    });

    it("takes an input by CID", async () => {
      const { runs, content } = parts;
      const cid = await content.putFile(utf8("far"));
      const outcome = await runs.run({ ...(await planOf(content, "", "so ")), input: { cid } });
      expect(await textOf(outcome.newState)).to.equal("so far");
    });

    it("throws what the machine failed with, and tells that the program was begun", async () => {
      const { runs, content } = parts;
      const failures: unknown[] = [];
      const run = runs.run(await planOf(content, "fail"), { onEngineFailure: (error) => failures.push(error) });
      expect(await codeOf(run)).to.equal("ENGINE_FAILED");
      expect(failures.map((error) => isSprfError(error) && error.code)).to.deep.equal(["ENGINE_FAILED"]);
    });

    it("does not call it a failure of the engine when nothing was begun", async () => {
      const { runs, content } = parts;
      const failures: unknown[] = [];
      const plan = await planOf(content, "more");
      const program = { kind: "docker", image: "localhost/none:1", digest: "0".repeat(64) } as const;
      const run = runs.run(
        { ...plan, reference: program },
        {
          signal: AbortSignal.timeout(2_000),
          onEngineFailure: (error) => failures.push(error),
        },
      );
      // Where nobody has the engine, it may be waited for.
      expect(await codeOf(run)).to.be.oneOf(["ENGINE_UNAVAILABLE", "TIMEOUT"]);
      expect(failures).to.deep.equal([]);
    });

    it("ends a run that is aborted", async () => {
      const { runs, content } = parts;
      const { begun, ended } = engine;
      const abort = new AbortController();
      const run = runs.run(await planOf(content, "sleep 20000"), { signal: abort.signal });
      const code = codeOf(run);
      await until(() => engine.begun > begun, { what: "the run", timeoutMs: TIMEOUT_MS });
      abort.abort();
      expect(await code).to.equal("ABORTED");
      await until(() => engine.ended > ended, { what: "its end", timeoutMs: TIMEOUT_MS });
    });

    it("makes runs side by side", async () => {
      const { runs, content } = parts;
      const plans = await Promise.all(
        Array.from({ length: 8 }, async (_, n) => await planOf(content, `run ${n}`, "", n)),
      );
      const outcomes = await Promise.all(plans.map(async (plan) => await runs.run(plan)));
      expect(outcomes.map(({ output }) => Buffer.from(output).toString())).to.deep.equal(
        plans.map((_, n) => `run ${n}`),
      );
    });
  });
}
