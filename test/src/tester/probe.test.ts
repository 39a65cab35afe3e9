import { expect } from "chai";
import { Keypair } from "@stellar/stellar-sdk";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createWasiEngine } from "../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { execute } from "../../../src/client/execute.ts";
import { decideVerdict, type WorkerProbe } from "../../../src/domain/verdict/decide-verdict.ts";
import { SprfError } from "../../../src/errors.ts";
import { createOwnRun, type OwnRun } from "../../../src/tester/own-run.ts";
import {
  createProber,
  stateKey,
  type ProbeParts,
  type ProbeResult,
  type ProberComponents,
} from "../../../src/tester/probe.ts";
import { createPurse } from "../../../src/tester/purse.ts";
import { equalBytes, utf8 } from "../../../src/utils/bytes.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createLyingEngine } from "../../helpers/lying-engine.ts";

const ENTRY = "2026-01-01,rent,cash,100,first\n";

describe("tester/probe", () => {
  let scene: ExecutionScene;
  let owner: Keypair;
  let components: ProberComponents;

  before(async () => {
    scene = await createExecutionScene();
    owner = Keypair.random();
    await fundAccount(scene.devnet.friendbotUrl, owner.publicKey());
    const { client, clock, scratchDirectory } = scene;
    const logger = createMemoryLogger(scene.lines);
    const engines = new Map([
      ["wasi" as const, createWasiEngine({ content: client.content, logger }, { scratchDirectory })],
    ]);
    components = {
      ...client,
      clock,
      random: systemRandom,
      logger,
      purse: createPurse(client, owner),
      ownRun: createOwnRun({ ...client, engines, scratchDirectory }),
    };
  });
  after(() => scene.stop());
  afterEach(async () => {
    for (const worker of scene.workers) {
      await worker.stop();
      delete worker.changes.wrapEngine;
      await worker.start();
    }
  });

  const partsFor = (program: string | undefined, changes: Partial<ProbeParts> = {}): ProbeParts => ({
    program,
    nonce: systemRandom.bytes(32),
    workers: scene.workers.map(({ ledgerKey, messageKeys }) => ({
      ledgerKey: ledgerKey.publicKey(),
      messageKey: messageKeys.publicKey,
    })),
    trace: undefined,
    keep: async () => undefined,
    patience: { timeoutMs: 10_000, leastMs: 100, lastCall: new AbortController().signal },
    connected: Promise.resolve(),
    signal: new AbortController().signal,
    ...changes,
  });
  const asked = (result: ProbeResult): Extract<ProbeResult, { kind: "asked" }> => {
    if (result.kind !== "asked") throw new Error(`${result.kind}: ${JSON.stringify(result)}`);
    return result;
  };
  const verdicts = (result: ProbeResult): string[] => {
    const { said, own, engine } = asked(result);
    return said.map((each) => {
      if (each.kind !== "answer") {
        return decideVerdict({ live: true }, each.kind === "silent" ? each : { kind: "none", reason: "" }).verdict;
      }
      const probe: WorkerProbe = {
        kind: "answered",
        answer: each.signed.answer,
        onKnownState: each.account !== undefined,
        own: own.get(stateKey(each.account!))!,
        engine,
        vetted: false,
      };
      return decideVerdict({ live: true }, probe).verdict;
    });
  };
  const restart = async (index: number, changes: ExecutionScene["workers"][number]["changes"]): Promise<void> => {
    const worker = scene.workers[index]!;
    await worker.stop();
    Object.assign(worker.changes, changes);
    await worker.start();
  };

  it("should get the same signed answer from honest workers as from its own two runs, and submit nothing", async () => {
    const program = await scene.program("bookkeeping");
    const before = await scene.account(program);
    let runs = 0;
    const ownRun: OwnRun = async (...parameters) => {
      runs++;
      return await components.ownRun(...parameters);
    };
    const parts = partsFor(program);
    const result = await createProber({ ...components, ownRun })(parts);
    expect(verdicts(result)).to.deep.equal(["ok", "ok", "ok"]);
    expect(runs).to.equal(2);
    expect(equalBytes(asked(result).signed.request.nonce, parts.nonce)).to.equal(true);
    expect(asked(result).signed.request.user).not.to.equal(owner.publicKey());
    const after = await scene.account(program);
    expect([after.sequence, after.state]).to.deep.equal([before.sequence, before.state]);
  });

  it("should ask what the last user asked", async () => {
    const program = await scene.program("bookkeeping");
    const wallet = await scene.user();
    await execute(scene.client, { program, wallet, input: { bytes: new Uint8Array(utf8(ENTRY)) } });
    const result = await createProber(components)(partsFor(program));
    expect(asked(result).signed.request.input).to.deep.equal({ bytes: new Uint8Array(utf8(ENTRY)) });
    expect(verdicts(result)).to.deep.equal(["ok", "ok", "ok"]);
  });

  it("should catch the liar, and not blame who is down", async () => {
    const program = await scene.program("bookkeeping");
    const wallet = await scene.user();
    await execute(scene.client, { program, wallet, input: { bytes: new Uint8Array(utf8(ENTRY)) } });
    await restart(1, { wrapEngine: createLyingEngine });
    await scene.workers[2]!.stop();
    const result = await createProber(components)(partsFor(program));
    expect(verdicts(result)).to.deep.equal(["ok", "wrong", "unreachable"]);
    expect(asked(result).said[2]).to.deep.equal({ kind: "silent", code: "WORKER_UNREACHABLE" });
  });

  it("should know a program whose results differ, and a failure of its own", async () => {
    const program = await scene.program("bookkeeping");
    let gas = 0n;
    const differing: OwnRun = async (...parameters) => ({ ...(await components.ownRun(...parameters)), gas: ++gas });
    const differ = asked(await createProber({ ...components, ownRun: differing })(partsFor(program)));
    expect([...differ.own.values()].map(({ kind }) => kind)).to.deep.equal(["differ"]);
    const failing: OwnRun = () => Promise.reject(new SprfError("ENGINE_FAILED", "out of memory"));
    const failed = await createProber({ ...components, ownRun: failing })(partsFor(program));
    expect([...asked(failed).own.values()]).to.deep.equal([{ kind: "failed", code: "ENGINE_FAILED" }]);
    expect(verdicts(failed)).to.deep.equal(["ok", "ok", "ok"]);
  });

  it("should say why there is nothing to probe", async () => {
    const prober = createProber(components, { budgetStroops: 2_000_000n });
    expect(await prober(partsFor(undefined))).to.deep.equal({ kind: "none", reason: "NOT_BOUND" });
    const nobody = Keypair.random().publicKey();
    expect(await prober(partsFor(nobody))).to.deep.equal({ kind: "none", reason: "ACCOUNT_NOT_FOUND" });
    const plain = (await scene.user()).account;
    expect(await prober(partsFor(plain))).to.deep.equal({ kind: "none", reason: "SMART_ACCOUNT_INVALID" });
    const dear = await scene.program("bookkeeping", { baseFeeStroops: 3_000_000n });
    expect(await prober(partsFor(dear))).to.deep.equal({ kind: "none", reason: "TOO_EXPENSIVE" });
  });

  it("should take its own lack of funds for its own failure", async () => {
    const program = await scene.program("bookkeeping");
    const purse = createPurse(scene.client, Keypair.random());
    const result = await createProber({ ...components, purse })(partsFor(program));
    expect(result).to.deep.equal({ kind: "failed", code: "ACCOUNT_NOT_FOUND" });
  });

  it("should not pay again after a restart, and give back what is left", async () => {
    const program = await scene.program("bookkeeping");
    const kept: Array<NonNullable<ProbeParts["trace"]>> = [];
    const keep = async (trace: NonNullable<ProbeParts["trace"]>): Promise<void> => {
      kept.push(trace);
    };
    const parts = partsFor(program, { keep });
    await createProber(components)(parts);
    expect(kept.map(({ signed }) => signed === undefined)).to.deep.equal([true, false]);
    const user = Keypair.fromRawEd25519Seed(Buffer.from(kept[0]!.seed));
    const balance = async (id: string): Promise<bigint | undefined> =>
      (await scene.client.ledger.account(id, []))?.account.balanceStroops;
    const left = await balance(user.publicKey());

    const again = await createProber(components)({ ...parts, trace: kept[1] });
    expect(asked(again).signed).to.deep.equal(kept[1]!.signed);
    expect(verdicts(again)).to.deep.equal(["ok", "ok", "ok"]);
    expect(await balance(user.publicKey())).to.equal(left);

    const before = (await balance(owner.publicKey()))!;
    await components.purse.reclaim(user);
    expect(await balance(user.publicKey())).to.equal(undefined);
    expect((await balance(owner.publicKey()))! > before).to.equal(true);
    await components.purse.reclaim(user);
  });

  it("should not hold it against a worker that the tester itself had no time", async () => {
    const program = await scene.program("bookkeeping");
    const lastCall = AbortSignal.abort();
    const patience = { timeoutMs: 10_000, leastMs: 1_000, lastCall };
    expect(await createProber(components)(partsFor(program, { patience }))).to.deep.equal({
      kind: "failed",
      code: "OWN_TIME_UP",
    });
    const aborted = partsFor(program, { signal: AbortSignal.abort() });
    expect(await codeOf(createProber(components)(aborted))).to.equal("ABORTED");
  });
});
