import type { ContractFacts, GridContractState } from "../domain/grid/contract-facts.ts";
import type { Chain } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContractState, GridContract, GridContracts } from "../ports/grid-contracts.ts";
import { fromHex } from "../utils/bytes.ts";

const MAX_REMEMBERED = 1_024;
/** A user that sends its request again costs no new look at the chain so soon. */
const REMEMBERED_MS = 1_000;

/** A contract of a deployment, and who made it. */
export interface KnownContract {
  readonly facts: ContractFacts;
  readonly userTwinId: number;
  /** Of the user: 20 bytes. */
  readonly creator: Uint8Array<ArrayBuffer>;
  /** Seconds since 1970. */
  readonly reportedAt: number | undefined;
}

export interface ContractReader {
  /** As it stands now; undefined when there is none, or it is of no deployment. */
  read(contractId: number, options: { readonly signal: AbortSignal }): Promise<KnownContract | undefined>;
  /** As it stood a second ago at most. */
  recent(contractId: number, options: { readonly signal: AbortSignal }): Promise<KnownContract | undefined>;
}

export function createContractReader({
  chain,
  contracts,
  clock,
}: {
  readonly chain: Pick<Chain, "twin">;
  readonly contracts: Pick<GridContracts, "contract">;
  readonly clock: Clock;
}): ContractReader {
  const remembered = new Map<number, { readonly atMs: number; readonly contract: KnownContract | undefined }>();

  const read: ContractReader["read"] = async (contractId, { signal }) => {
    const contract = await contracts.contract(contractId, { signal });
    const known = contract === undefined ? undefined : await complete(contract, signal);
    remembered.delete(contractId);
    remembered.set(contractId, { atMs: clock.now(), contract: known });
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    return known;
  };
  const complete = async (contract: GridContract, signal: AbortSignal): Promise<KnownContract | undefined> => {
    const { deploymentHash, nodeId, userTwinId, reportedAt } = contract;
    if (contract.kind !== "node" || deploymentHash === undefined || nodeId === undefined) return undefined;
    const twin = await chain.twin(userTwinId, { signal });
    return {
      facts: {
        contractId: BigInt(contract.contractId),
        nodeId: BigInt(nodeId),
        state: gridStateOf(contract.state),
        deploymentHash,
        limits: contract.limits,
        publicIps: contract.publicIps.map(({ ip }) => ip),
        creatorKey: twin.messageKey,
      },
      userTwinId,
      creator: new Uint8Array(fromHex(twin.account)),
      reportedAt,
    };
  };
  return {
    read,
    async recent(contractId, options) {
      const known = remembered.get(contractId);
      const isFresh = known !== undefined && clock.now() - known.atMs <= REMEMBERED_MS;
      return isFresh ? known.contract : await read(contractId, options);
    },
  };
}

/** The chain's word for it in the node's. */
function gridStateOf(state: ContractState): GridContractState {
  return state === "grace-period" ? "grace" : state;
}
