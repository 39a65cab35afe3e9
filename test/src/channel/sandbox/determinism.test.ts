import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { EVM } from "@ethereumjs/evm";
import { expect } from "chai";

import type { Cleanup } from "../../../../src/channel/sandbox/call-runner.ts";
import { memoiseJumpTables } from "../../../../src/channel/sandbox/jump-tables.ts";
import { createSandbox, loadSandbox, type Sandbox } from "../../../../src/channel/sandbox/sandbox.ts";
import { createMemoryLogger, type LogLine } from "../../../../src/adapters/logger/memory.ts";
import { isSecp256k1Native } from "../../../../src/utils/recoverable-signature.ts";
import { toHex } from "../../../../src/utils/bytes.ts";
import { describeExecution, joined, jobCalls, playJob, type PlayJob } from "../../../helpers/execution-digest.ts";
import { compiledProgram, openTestChannel, type TestProgram } from "../../../helpers/program-sandbox.ts";
import { randomCalls } from "../../../helpers/random-calls.ts";
import { sandboxOptions } from "../../../helpers/sandbox-options.ts";
import { seededRandom } from "../../../helpers/seeded-random.ts";

const PLAYER = fileURLToPath(new URL("../../../helpers/sandbox-process.ts", import.meta.url));
const ALICE = "0x000000000000000000000000000000000000aa01";
const ALL: readonly Cleanup[] = ["journal", "originals", "transient"];
const CALLS = 120;
/** Of processor time a second; a process has to start. */
const TIMEOUT_MS = 120_000;

describe("what a sandbox comes to", () => {
  it("should be the same in another process, also from a snapshot on", async () => {
    const jobs: PlayJob[] = [];
    const digests: string[] = [];
    const play = async (job: PlayJob): Promise<Sandbox> => {
      const { sandbox, digest } = await playJob(job);
      jobs.push(job);
      digests.push(digest);
      return sandbox;
    };
    for (const name of ["PostMock", "SlotsMock", "TokenMock"]) {
      const { abi, code } = await compiledProgram(name);
      const calls = jobCalls(Array.from({ length: CALLS }, randomCalls(abi, seededRandom(7))));
      const codeHex = toHex(code);
      const whole = await play({ codeHex, calls });
      const half = await play({ codeHex, calls: calls.slice(0, CALLS / 2) });
      const snapshotHex = toHex(await joined(half.snapshot()));
      const from = { snapshotHex, height: half.height, rootHex: toHex(half.root) };
      const rest = await play({ codeHex, calls: calls.slice(CALLS / 2), from });
      expect(await joined(rest.snapshot())).to.deep.equal(await joined(whole.snapshot()));
    }
    expect(await playElsewhere(jobs)).to.deep.equal(digests);
  }).timeout(TIMEOUT_MS);

  it("should be the same with the EVM's own analysis of jumps", async () => {
    const { abi, code } = await compiledProgram("LoopsMock");
    const calls = Array.from({ length: 40 }, randomCalls(abi, seededRandom(3)));
    const results = await Promise.all(
      (["memoised", "stock"] as const).map(async (jumpTables) => {
        const sandbox = await createSandbox(sandboxOptions({ code }, { jumpTables }));
        const played: string[] = [];
        for (const [height, call] of calls.entries()) {
          const nonce = sandbox.nonceOf(call.sender);
          const context = { height, timeMs: height, randomness: new Uint8Array(32) };
          played.push(describeExecution(await sandbox.execute({ kind: "call", call: { ...call, nonce } }, context)));
        }
        return played;
      }),
    );
    expect(results[0]).to.deep.equal(results[1]);
  }).timeout(TIMEOUT_MS);

  it("should come of native parts, or the log says that it takes longer", async () => {
    const { code } = await compiledProgram("CounterMock");
    const lines: LogLine[] = [];
    await createSandbox(sandboxOptions({ code }, { logger: createMemoryLogger(lines) }));
    expect(lines.length).to.equal(isSecp256k1Native() ? 0 : 1);
  });

  it("should rest on the EVM's own analysis under any version but the one that is known", async () => {
    expect(await memoiseJumpTables()).to.equal(true);
    expect(await memoiseJumpTables("10.1.4")).to.equal(false);
  });
});

describe("what a call leaves behind", () => {
  let slots: TestProgram;
  let transient: TestProgram;
  const ownCleanup = Object.getOwnPropertyDescriptor(EVM.prototype, "postMessageCleanup");

  before(async () => {
    [slots, transient] = await Promise.all([compiledProgram("SlotsMock"), compiledProgram("TransientMock")]);
  });

  afterEach(() => {
    if (ownCleanup !== undefined) Object.defineProperty(EVM.prototype, "postMessageCleanup", ownCleanup);
  });

  const WRITE = [
    ["write", [1, 5]],
    ["write", [1, 6]],
  ] as const;
  const LEAVE = [
    ["keep", [2, 9]],
    ["find", [2]],
  ] as const;

  it("should be nothing that the next one meets", async () => {
    expect(await isLeaking(slots, WRITE, ALL)).to.equal(false);
    keepTransient();
    expect(await isLeaking(transient, LEAVE, ALL)).to.equal(false);
  });

  it("should be warm slots, were the journal not cleaned", async () => {
    expect(await isLeaking(slots, WRITE, without("journal"))).to.equal(true);
  });

  it("should be old values, were the record's not forgotten", async () => {
    expect(await isLeaking(slots, WRITE, without("originals"))).to.equal(true);
  });

  it("should be transient slots, were they not cleared", async () => {
    // This version of the EVM clears them by itself as well, at the end of a call that ran to it.
    keepTransient();
    expect(await isLeaking(transient, LEAVE, without("transient"))).to.equal(true);
  });

  function keepTransient(): void {
    Object.defineProperty(EVM.prototype, "postMessageCleanup", { configurable: true, value: () => undefined });
  }
});

/** Whether a call comes to something else after another one than on a snapshot of the state in between. */
async function isLeaking(
  program: TestProgram,
  [first, second]: readonly (readonly [string, readonly unknown[]])[],
  cleanups: readonly Cleanup[],
): Promise<boolean> {
  const channel = await openTestChannel(program, { cleanups: new Set(cleanups) });
  await channel.call(ALICE, first![0], first![1]);
  const { height, root } = channel.sandbox;
  const sandbox = await loadSandbox(sandboxOptions(program), channel.sandbox.snapshot(), { height, root });
  const fresh = await openTestChannel(program, { sandbox });
  const [own, other] = await Promise.all(
    [channel, fresh].map(async (each) => describeExecution(await each.call(ALICE, second![0], second![1]))),
  );
  return own !== other;
}

function without(cleanup: Cleanup): readonly Cleanup[] {
  return ALL.filter((each) => each !== cleanup);
}

async function playElsewhere(jobs: readonly PlayJob[]): Promise<unknown> {
  const child = fork(PLAYER);
  child.send(jobs);
  const [digests] = (await once(child, "message")) as [unknown];
  if (child.exitCode === null) await once(child, "exit");
  return digests;
}
