import { expect } from "chai";

import { withContext } from "../../src/channel/sandbox/program-context.ts";
import { nonceSlotOf } from "../../src/channel/sandbox/protocol-slots.ts";
import { toSlotKey } from "../../src/channel/sandbox/slot-key.ts";
import { createSandbox, type Execution } from "../../src/channel/sandbox/sandbox.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { intrinsicGas, openOracle, type OracleResult } from "./edr-oracle.ts";
import { compiledProgram } from "./program-sandbox.ts";
import { PROGRAM_ADDRESS, sandboxOptions } from "./sandbox-options.ts";
import { randomCalls } from "./random-calls.ts";
import { seededRandom } from "./seeded-random.ts";

/** Programs whose functions random calls call. */
export const PROGRAMS = [
  "BytesMock",
  "CounterMock",
  "FailingMock",
  "FeatureProgram",
  "ListsMock",
  "LogsMock",
  "LoopsMock",
  "PackedMock",
  "PostMock",
  "PrecompilesMock",
  "SlotsMock",
  "TokenMock",
  "TokenProgram",
  "TransientMock",
];
/** A call takes a few milliseconds on both sides; on a loaded machine ten times that. */
const TIMEOUT_MS = 600_000;
const MAX_REFUND_SHARE = 5n;

/** The tests that so many random calls, by this seed, come to the same in the sandbox and on another EVM. */
export function itComesToTheSame({ calls, seed }: { readonly calls: number; readonly seed: number }): void {
  const seen = { succeeded: 0, reverted: 0, ranOut: 0, played: 0 };

  for (const [index, name] of PROGRAMS.entries()) {
    it(`should come to the same gas, status, logs and slots in ${name}`, async () => {
      const program = await compiledProgram(name);
      const oracle = await openOracle(PROGRAM_ADDRESS, `0x${toHex(program.code)}`);
      const sandbox = await createSandbox(sandboxOptions(program));
      const next = randomCalls(program.abi, seededRandom(seed * PROGRAMS.length + index));
      const slots = new Map<string, string>();
      try {
        for (let height = 0; height < Math.ceil(calls / PROGRAMS.length); height++) {
          const call = next();
          const context = { height, timeMs: 1_767_225_600_000 + height, randomness: new Uint8Array(32).fill(height) };
          const data = withContext(call.data, call.sender, context);
          const intrinsic = intrinsicGas(data);
          // Whoever sends a transaction must offer the floor.
          const least = intrinsic.floor - intrinsic.gas;
          const gasLimit = call.gasLimit > least ? call.gasLimit : least;
          const nonce = sandbox.nonceOf(call.sender);
          const own = await sandbox.execute({ kind: "call", call: { ...call, gasLimit, nonce } }, context);
          const other = await oracle.call(data, intrinsic.gas + gasLimit);
          expectEqual(
            { own, other, intrinsic, sender: call.sender },
            `seed ${seed}, call ${height}: ${call.name} 0x${toHex(call.data)}`,
          );
          count(own, gasLimit);
          for (const { slot, after } of withoutNonce(own, call.sender)) slots.set(toHex(slot), toHex(after));
        }
        for (const [slot, value] of slots) expect(await oracle.slot(slot), `slot ${slot}`).to.equal(value);
      } finally {
        await oracle.close();
      }
    }).timeout(TIMEOUT_MS);
  }

  it("should have met calls that succeed, revert and run out of gas", () => {
    expect(seen.played).to.be.at.least(calls);
    expect(seen.succeeded).to.be.at.least(calls / 2);
    expect(seen.reverted).to.be.at.least(calls / 20);
    expect(seen.ranOut).to.be.at.least(calls / 50);
  });

  function count({ status, gasUsed }: Execution, gasLimit: bigint): void {
    seen.played++;
    if (status === 1) seen.succeeded++;
    else if (BigInt(gasUsed) === gasLimit) seen.ranOut++;
    else seen.reverted++;
  }
}

function expectEqual(
  {
    own,
    other,
    intrinsic,
    sender,
  }: {
    readonly own: Execution;
    readonly other: OracleResult;
    readonly intrinsic: ReturnType<typeof intrinsicGas>;
    readonly sender: string;
  },
  what: string,
): void {
  const used = intrinsic.gas + BigInt(own.gasUsed);
  const refund = min(BigInt(own.gasRefund), used / MAX_REFUND_SHARE);
  expect(max(used - refund, intrinsic.floor), `${what}: gas`).to.equal(other.gasUsed);
  const touched = withoutNonce(own, sender).map(({ slot, before }) => [toHex(slot), toHex(before)]);
  // The write that the gas did not suffice for is listed here: what the slot held decided that it did not.
  const known = new Set(other.touched.map(([slot]) => slot));
  const isUnpaid = ([slot]: readonly string[]): boolean => own.failure === "out of gas" && !known.has(slot ?? "");
  expect(touched.filter(isUnpaid).length, `${what}: unpaid writes`).to.be.at.most(1);
  expect(
    touched.filter((each) => !isUnpaid(each)),
    `${what}: touched slots`,
  ).to.deep.equal(other.touched);
  // A chain knows no limit of slots; the calls that go beyond it here write nothing.
  if (own.status === 2) return;
  expect(own.status === 1, `${what}: status`).to.equal(other.succeeded);
  const logs = own.logs.map(({ topics, data }) => ({
    topics: topics.map((topic) => `0x${toHex(topic)}`),
    data: `0x${toHex(data)}`,
  }));
  expect(logs, `${what}: logs`).to.deep.equal(other.logs);
}

/** The sandbox keeps the caller's nonce itself: it is the one slot that a chain does not know. */
function withoutNonce({ touched }: Execution, sender: string): Execution["touched"] {
  const nonceSlot = nonceSlotOf(sender);
  return touched.filter(({ slot }) => toSlotKey(slot) !== nonceSlot);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
