import { getBytes, hexlify } from "ethers";

import type { GridOptions, GridRegistry } from "../../../ports/grid-registry.ts";
import type { Connection } from "../connection.ts";
import { isRevert } from "../errors.ts";
import { IGridRegistry__factory } from "../factories.ts";
import { nonceOf } from "../nonces.ts";
import { requiredEventOf } from "../values.ts";
import { ipToHex, publicIpOf, publicIpStruct } from "./public-ips.ts";
import { NODE_STATUSES, farmOf, locationStruct, nodeOf, policyOf, policyStruct, resourcesStruct } from "./values.ts";

const CONSENT_TYPES = {
  NodeConsent: [
    { name: "farmId", type: "uint256" },
    { name: "twinId", type: "uint256" },
    { name: "cru", type: "uint32" },
    { name: "sru", type: "uint64" },
    { name: "hru", type: "uint64" },
    { name: "mru", type: "uint64" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/** Farms, public IPs, nodes and policies (contracts/interfaces/IGridRegistry.sol). */
export function createGridRegistry(connection: Connection, address: string): GridRegistry {
  const registry = IGridRegistry__factory.connect(address, connection.provider);
  const events = { address, interface: registry.interface };
  const { read, send } = connection;

  async function found<T>(call: () => Promise<T>, unknown: string, options?: GridOptions): Promise<T | undefined> {
    try {
      return await read(call, options);
    } catch (error) {
      if (isRevert(error, unknown)) return undefined;
      throw error;
    }
  }

  return {
    intervalSeconds: async (options) => Number(await read(() => registry.intervalSeconds(), options)),
    async createPricingPolicy(policy, options) {
      const receipt = await send(() => registry.createPricingPolicy.populateTransaction(policyStruct(policy)), options);
      return Number(requiredEventOf(receipt, events, "PricingPolicyCreated")["pricingPolicyId"]);
    },
    async pricingPolicy(pricingPolicyId, options) {
      const policy = await found(() => registry.pricingPolicy(pricingPolicyId), "GridRegistry_UnknownPolicy", options);
      return policy === undefined ? undefined : policyOf(policy);
    },
    pricingPolicyCount: async (options) => Number(await read(() => registry.pricingPolicyCount(), options)),

    async createFarm({ name, pricingPolicyId, payoutAddress }, options) {
      const receipt = await send(
        () => registry.createFarm.populateTransaction(name, pricingPolicyId, payoutAddress),
        options,
      );
      return Number(requiredEventOf(receipt, events, "FarmCreated")["farmId"]);
    },
    async setPricingPolicy(farmId, pricingPolicyId, options) {
      await send(() => registry.setPricingPolicy.populateTransaction(farmId, pricingPolicyId), options);
    },
    async setPayoutAddress(farmId, payoutAddress, options) {
      await send(() => registry.setPayoutAddress.populateTransaction(farmId, payoutAddress), options);
    },
    async addPublicIp(farmId, publicIp, options) {
      const struct = publicIpStruct(publicIp);
      await send(() => registry.addPublicIp.populateTransaction(farmId, struct), options);
    },
    async removePublicIp(farmId, ip, options) {
      const hex = ipToHex(ip);
      await send(() => registry.removePublicIp.populateTransaction(farmId, hex), options);
    },
    async farm(farmId, options) {
      const view = await found(() => registry.farm(farmId), "GridRegistry_UnknownFarm", options);
      return view === undefined ? undefined : farmOf(view);
    },
    async farmOfName(name, options) {
      const farmId = await read(() => registry.farmOfName(name), options);
      return farmId === 0n ? undefined : Number(farmId);
    },
    farms: async (fromId, count, options) => (await read(() => registry.farms(fromId, count), options)).map(farmOf),
    async publicIps(farmId, offset, count, options) {
      const views = await read(() => registry.publicIps(farmId, offset, count), options);
      return views.map(({ publicIp, contractId }) => ({
        ...publicIpOf(publicIp),
        ...(contractId === 0n ? {} : { contractId: Number(contractId) }),
      }));
    },

    async consentToNode({ farmId, twinId, nodeAccount, resources, deadlineSeconds }, options) {
      const nonce = await nonceOf(connection, address, nodeAccount, options);
      const domain = {
        name: "SPRF GridRegistry",
        version: "1",
        chainId: connection.chainId,
        verifyingContract: address,
      };
      const signature = await connection.wallet.signTypedData(domain, CONSENT_TYPES, {
        farmId,
        twinId,
        ...resourcesStruct(resources),
        nonce,
        deadline: deadlineSeconds,
      });
      return { deadlineSeconds, signature: getBytes(signature) };
    },
    async createNode({ farmId, resources, location, consent }, options) {
      const place = locationStruct(location);
      const receipt = await send(
        () =>
          registry.createNode.populateTransaction(
            farmId,
            resourcesStruct(resources),
            place,
            consent.deadlineSeconds,
            hexlify(consent.signature),
          ),
        options,
      );
      return Number(requiredEventOf(receipt, events, "NodeCreated")["nodeId"]);
    },
    async updateNode(nodeId, resources, consent, options) {
      await send(
        () =>
          registry.updateNode.populateTransaction(
            nodeId,
            resourcesStruct(resources),
            consent.deadlineSeconds,
            hexlify(consent.signature),
          ),
        options,
      );
    },
    async setNodeLocation(nodeId, location, options) {
      const place = locationStruct(location);
      await send(() => registry.setNodeLocation.populateTransaction(nodeId, place), options);
    },
    async setNodeStatus(nodeId, status, options) {
      await send(() => registry.setNodeStatus.populateTransaction(nodeId, NODE_STATUSES.indexOf(status)), options);
    },
    async deleteNode(nodeId, options) {
      const receipt = await send(() => registry.deleteNode.populateTransaction(nodeId), options);
      return Number(requiredEventOf(receipt, events, "NodeDeleted")["retiresAt"]);
    },
    async node(nodeId, options) {
      const view = await found(() => registry.node(nodeId), "GridRegistry_UnknownNode", options);
      return view === undefined ? undefined : nodeOf(view);
    },
    async nodeOfTwin(twinId, options) {
      const nodeId = await read(() => registry.nodeOfTwin(twinId), options);
      return nodeId === 0n ? undefined : Number(nodeId);
    },
    nodes: async (fromId, count, options) => (await read(() => registry.nodes(fromId, count), options)).map(nodeOf),
  };
}
