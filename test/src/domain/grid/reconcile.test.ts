import { expect } from "chai";
import fc from "fast-check";

import {
  reconcile,
  reconcileOne,
  type ChainView,
  type NodeView,
  type ReconcileAction,
} from "../../../../src/domain/grid/reconcile.ts";

const HASHES = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const [current, old] = HASHES;

const hashArbitrary = fc.constantFrom(...HASHES);
const chainArbitrary: fc.Arbitrary<ChainView> = fc.record({
  state: fc.constantFrom("created", "deployed", "grace", "deleted", "absent"),
  deploymentHash: hashArbitrary,
});
const nodeArbitrary: fc.Arbitrary<NodeView> = fc
  .record({
    state: fc.constantFrom("none" as const, "running" as const, "paused" as const, "partial" as const),
    hash: hashArbitrary,
    canMake: fc.boolean(),
  })
  .map(({ state, hash, canMake }) => ({ state, canMake, ...(state === "none" ? {} : { deploymentHash: hash }) }));

/** What a node has after an action that went well. */
function after(action: ReconcileAction | undefined, chain: ChainView, node: NodeView): NodeView {
  if (action === undefined || action === "confirm") return node;
  if (action === "delete") return { state: "none", canMake: node.canMake };
  if (action === "pause") return { ...node, state: "paused" };
  if (action === "resume") return { ...node, state: "running" };
  return { ...node, state: "running", deploymentHash: chain.deploymentHash };
}

const isLive = ({ state }: ChainView): boolean => state === "created" || state === "deployed";

describe("domain/grid/reconcile", () => {
  type Row = readonly [ChainView["state"], NodeView["state"], "current" | "old", boolean, ReconcileAction | undefined];
  const table: readonly Row[] = [
    // chain, node, hash of what is there, whether the node has the workload, action
    ["created", "none", "current", true, "deploy"],
    ["created", "none", "current", false, undefined],
    ["created", "running", "current", true, "confirm"],
    ["created", "running", "current", false, "confirm"],
    ["created", "running", "old", false, undefined],
    ["deployed", "running", "current", false, undefined],
    ["deployed", "running", "old", true, "deploy"],
    ["deployed", "running", "old", false, undefined],
    ["deployed", "paused", "current", true, "resume"],
    ["deployed", "paused", "old", false, "resume"],
    ["deployed", "paused", "old", true, "deploy"],
    ["deployed", "partial", "current", true, "deploy"],
    ["deployed", "none", "current", true, "deploy"],
    ["grace", "running", "current", true, "pause"],
    ["grace", "partial", "old", false, "pause"],
    ["grace", "paused", "current", true, undefined],
    ["grace", "none", "current", true, undefined],
    ["absent", "running", "current", true, "pause"],
    ["absent", "paused", "current", true, undefined],
    ["deleted", "running", "current", true, "delete"],
    ["deleted", "paused", "old", false, "delete"],
    ["deleted", "partial", "current", false, "delete"],
    ["deleted", "none", "current", true, undefined],
  ];
  for (const [chain, node, hash, canMake, action] of table) {
    it(`${chain} and ${node} (${hash}${canMake ? ", workload at hand" : ""}): ${action ?? "nothing"}`, () => {
      const view: NodeView = {
        state: node,
        canMake,
        ...(node === "none" ? {} : { deploymentHash: hash === "current" ? current : old }),
      };
      expect(reconcileOne({ state: chain, deploymentHash: current }, view)).to.equal(action);
    });
  }

  it("makes chain and node agree, whatever was missed, and then has nothing to do", () => {
    fc.assert(
      fc.property(chainArbitrary, nodeArbitrary, (chain, node) => {
        const action = reconcileOne(chain, node);
        const result = after(action, chain, node);
        const isConfirmed = chain.state === "created" && result.state === "running";
        const confirmed: ChainView = isConfirmed ? { ...chain, state: "deployed" } : chain;
        expect(reconcileOne(confirmed, result), "again").to.equal(undefined);
        const isMade = isLive(chain) && result.state === "running" && result.deploymentHash === chain.deploymentHash;
        if (chain.state === "created" && isMade) expect(reconcileOne(chain, result)).to.equal("confirm");
        if (chain.state === "deleted") expect(result.state).to.equal("none");
        if (chain.state === "grace" || chain.state === "absent") {
          expect(result.state).to.be.oneOf(["none", "paused"]);
          expect(result.deploymentHash, "data is kept").to.equal(node.deploymentHash);
        }
        if (isLive(chain) && node.canMake) {
          expect(result.state).to.equal("running");
          expect(result.deploymentHash).to.deep.equal(chain.deploymentHash);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("deletes nothing but what the chain says is over", () => {
    fc.assert(
      fc.property(chainArbitrary, nodeArbitrary, (chain, node) => {
        if (reconcileOne(chain, node) === "delete") expect(chain.state).to.equal("deleted");
      }),
    );
  });

  it("acts on all that was looked at, and on nothing else", () => {
    const running: NodeView = { state: "running", deploymentHash: current, canMake: true };
    const contracts = new Map<bigint, ChainView>([
      [1n, { state: "deleted", deploymentHash: current }],
      [2n, { state: "deployed", deploymentHash: current }],
      [3n, { state: "grace", deploymentHash: current }],
      [5n, { state: "created", deploymentHash: current }],
    ]);
    const deployments = new Map([1n, 2n, 3n, 4n].map((id) => [id, running]));
    expect([...reconcile(contracts, deployments)]).to.deep.equal([
      [1n, "delete"],
      [3n, "pause"],
    ]);
  });
});
