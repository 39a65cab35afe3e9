import { SprfError } from "../../errors.ts";
import type { Twin } from "../../ports/chain.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import type { GridCallOptions, GridOnChain } from "./grid-user.ts";

/** Contracts whose views are asked for at the same time. */
const AT_ONCE = 20;

/** The user's twin. @throws SprfError `NOT_REGISTERED` */
export async function ownTwin({ chain }: Pick<GridOnChain, "chain">, options?: GridCallOptions): Promise<Twin> {
  const twin = await chain.twinOf(chain.account, options);
  if (twin !== undefined) return twin;
  throw new SprfError("NOT_REGISTERED", `the account ${chain.account} has no twin`);
}

/** All contracts of the user in the order of their ids, those that are over included. */
export async function ownContracts(
  user: Pick<GridOnChain, "chain" | "contracts">,
  options?: GridCallOptions,
): Promise<readonly GridContract[]> {
  const twin = await user.chain.twinOf(user.chain.account, options);
  if (twin === undefined) return [];
  const ids = await user.contracts.contractsOf(twin.id, options);
  const found: GridContract[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const page = ids.slice(at, at + AT_ONCE);
    const views = await Promise.all(page.map(async (id) => await user.contracts.contract(id, options)));
    found.push(...views.filter((view) => view !== undefined));
  }
  return found;
}

/** A contract of the user. @throws SprfError `CONTRACT_UNKNOWN`, also for somebody else's */
export async function ownContract(
  user: Pick<GridOnChain, "chain" | "contracts">,
  contractId: number,
  options?: GridCallOptions,
): Promise<GridContract> {
  const [contract, twin] = await Promise.all([user.contracts.contract(contractId, options), ownTwin(user, options)]);
  if (contract === undefined) throw new SprfError("CONTRACT_UNKNOWN", `there is no contract ${contractId}`);
  if (contract.userTwinId === twin.id) return contract;
  throw new SprfError("CONTRACT_UNKNOWN", `contract ${contractId} belongs to twin ${contract.userTwinId}, not to you`);
}

/** The message key of the node of a contract. @throws SprfError `INVALID_INPUT` when it is none of a deployment */
export async function nodeKeyOf(
  user: Pick<GridOnChain, "chain" | "registry">,
  { contractId, nodeId, kind }: Pick<GridContract, "contractId" | "nodeId" | "kind">,
  options?: GridCallOptions,
): Promise<Uint8Array> {
  const node = nodeId === undefined ? undefined : await user.registry.node(nodeId, options);
  if (kind !== "node" || node === undefined) {
    throw new SprfError("INVALID_INPUT", `contract ${contractId} is a ${kind} contract: no node runs anything for it`);
  }
  return (await user.chain.twin(node.twinId, options)).messageKey;
}
