import { expect } from "chai";

import { chooseNode, freeOf, whyNot, type NodeOffer } from "../../../../src/domain/grid/choose-node.ts";
import type { GridNode } from "../../../../src/ports/grid-registry.ts";
import { GIB } from "../../../helpers/grid-workloads.ts";

const NEEDS = { cruCores: 2, sruBytes: GIB, hruBytes: 0n, mruBytes: GIB, publicIps: 1 };

const nodeOf = (nodeId: number, changes: Partial<GridNode> = {}): GridNode => ({
  nodeId,
  farmId: 1,
  twinId: 1,
  account: "0x",
  status: "up",
  resources: { cruCores: 4, sruBytes: 2n * GIB, hruBytes: 0n, mruBytes: 2n * GIB },
  claimed: { cruCores: 2, sruBytes: GIB, hruBytes: 0n, mruBytes: GIB },
  location: { country: "BE", latitude: 0, longitude: 0, city: "" },
  ...changes,
});
const offerOf = (nodeId: number, changes: Partial<NodeOffer> = {}, node: Partial<GridNode> = {}): NodeOffer => {
  const made = nodeOf(nodeId, node);
  return {
    node: made,
    farmName: "farm",
    free: freeOf(made),
    freePublicIps: 1,
    pricingPolicyId: 1,
    isRentedByUs: false,
    ...changes,
  };
};

describe("domain/grid/choose-node", () => {
  it("takes a node that has exactly what is needed", () => {
    expect(whyNot(offerOf(1), NEEDS)).to.equal(undefined);
    expect(whyNot(offerOf(1, { rentContractId: 3, isRentedByUs: true }), NEEDS)).to.equal(undefined);
  });

  for (const [title, offer] of [
    ["has a core less", offerOf(1, {}, { claimed: { cruCores: 3, sruBytes: 0n, hruBytes: 0n, mruBytes: 0n } })],
    ["has a byte less", offerOf(1, {}, { claimed: { cruCores: 0, sruBytes: 0n, hruBytes: 0n, mruBytes: GIB + 1n } })],
    ["has no public IP", offerOf(1, { freePublicIps: 0 })],
    ["sells nothing", offerOf(1, { pricingPolicyId: 0 })],
    ["is rented by another", offerOf(1, { rentContractId: 3 })],
    ["is on standby", offerOf(1, {}, { status: "standby" })],
    ["was deleted", offerOf(1, {}, { retiresAtSeconds: 1 })],
  ] as const) {
    it(`passes over a node that ${title}`, () => {
      expect(whyNot(offer, NEEDS)).to.be.a("string");
      expect(chooseNode([offer], NEEDS, () => 0n)).to.equal(undefined);
    });
  }

  it("chooses the cheapest, and of equals the first", () => {
    const offers = [offerOf(3), offerOf(2), offerOf(1), offerOf(4, { freePublicIps: 0 })];
    const costs = new Map([
      [1, 7n],
      [2, 5n],
      [3, 5n],
      [4, 1n],
    ]);
    const chosen = chooseNode(offers, NEEDS, ({ node }) => costs.get(node.nodeId) ?? 0n);
    expect(chosen?.node.nodeId).to.equal(2);
  });

  it("counts nothing as free on a node that shrank below its claims", () => {
    const shrunk = nodeOf(1, { claimed: { cruCores: 9, sruBytes: 9n * GIB, hruBytes: 1n, mruBytes: 9n * GIB } });
    expect(freeOf(shrunk)).to.deep.equal({ cruCores: 0, sruBytes: 0n, hruBytes: 0n, mruBytes: 0n });
  });
});
