import { expect } from "chai";
import fc from "fast-check";

import { loadSandbox, type Sandbox } from "../../../../src/channel/sandbox/sandbox.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { toHex } from "../../../../src/utils/bytes.ts";
import { joined, partsOf } from "../../../helpers/execution-digest.ts";
import { compiledProgram, openTestChannel, type TestProgram } from "../../../helpers/program-sandbox.ts";
import { sandboxOptions } from "../../../helpers/sandbox-options.ts";

const ALICE = "0x000000000000000000000000000000000000aa01";
const HEADER_BYTES = 54;
const ENTRY_BYTES = 64;

describe("a snapshot", () => {
  let program: TestProgram;
  let sandbox: Sandbox;
  let bytes: Uint8Array;

  before(async () => {
    program = await compiledProgram("SlotsMock");
    const channel = await openTestChannel(program);
    await channel.call(ALICE, "writeMany", [0, 39, 5]);
    sandbox = channel.sandbox;
    bytes = await joined(sandbox.snapshot());
  });

  async function load(from: Uint8Array, size?: number, head = { height: 0, root: sandbox.root }): Promise<Sandbox> {
    return await loadSandbox(sandboxOptions(program), partsOf(from, size), head);
  }

  it("should hold each slot once, and be read in parts of any size", async () => {
    expect(bytes.length).to.equal(HEADER_BYTES + 40 * ENTRY_BYTES);
    for (const size of [1, 63, 64, 5_000]) {
      expect(await joined((await load(bytes, size)).snapshot())).to.deep.equal(bytes);
    }
  });

  it("should be refused with anything wrong in it", async () => {
    const entries = (order: readonly number[]): Uint8Array =>
      new Uint8Array(
        Buffer.concat([
          bytes.subarray(0, HEADER_BYTES),
          ...order.map((at) => bytes.subarray(HEADER_BYTES + at * ENTRY_BYTES, HEADER_BYTES + (at + 1) * ENTRY_BYTES)),
        ]),
      );
    const all = [...Array(40).keys()];
    const tooMany = bytes.slice();
    tooMany.fill(0xff, 18, 22);
    for (const [what, wrong] of [
      ["nothing", new Uint8Array(0)],
      ["too short a header", bytes.subarray(0, HEADER_BYTES - 1)],
      ["too few slots", bytes.subarray(0, bytes.length - ENTRY_BYTES)],
      ["half a slot", bytes.subarray(0, bytes.length - 1)],
      ["a slot too many", entries([...all, 39])],
      ["half a slot too many", new Uint8Array([...bytes, 1])],
      ["a slot twice", entries([...all.slice(1), 39])],
      ["another order", entries([1, 0, ...all.slice(2)])],
      ["a slot of zero", new Uint8Array([...bytes.subarray(0, bytes.length - 32), ...new Uint8Array(32)])],
      ["billions of slots", tooMany],
    ] as const) {
      expect(await refusalOf(load(wrong)), what).to.equal("CHANNEL_SNAPSHOT_INVALID");
    }
  });

  it("should be refused with any of its bytes changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const bent = bytes.slice();
        bent[at] = bent[at]! ^ by;
        expect(await refusalOf(load(bent))).to.equal("CHANNEL_SNAPSHOT_INVALID");
      }),
      { numRuns: 60 },
    );
  });

  it("should be refused for another head", async () => {
    expect(await refusalOf(load(bytes, 999, { height: 1, root: sandbox.root }))).to.equal("CHANNEL_SNAPSHOT_INVALID");
    const root = new Uint8Array(32);
    expect(await refusalOf(load(bytes, 999, { height: 0, root }))).to.equal("CHANNEL_SNAPSHOT_INVALID");
  });

  it("should prove slots of the state that was loaded", async () => {
    const loaded = await load(bytes);
    const slot = bytes.slice(HEADER_BYTES, HEADER_BYTES + 32);
    expect(loaded.prove(slot)).to.deep.equal(sandbox.prove(slot));
    expect(toHex(loaded.slot(slot))).to.equal(toHex(bytes.subarray(HEADER_BYTES + 32, HEADER_BYTES + 64)));
  });
});

async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isSprfError(error) ? error.code : error;
}
