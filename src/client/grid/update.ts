import { SprfError, isSprfError } from "../../errors.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import { fromHex, toHex } from "../../utils/bytes.ts";
import { sealDeploymentData, type DeploymentData } from "../../wire/grid/deployment-data.ts";
import { SECRETS_BLINDING_BYTES, WORKLOAD_SALT_BYTES } from "../../wire/grid/limits.ts";
import { prepareDeployment } from "../../wire/grid/prepare-deployment.ts";
import { bring, type DeployOptions } from "./bring.ts";
import type { DeployRequest } from "./deploy.ts";
import { explainRefusal } from "./explain-refusal.ts";
import type { GridUser } from "./grid-user.ts";
import { removeEntry, writeEntry, type JournalEntry } from "./journal.ts";
import { ownContract } from "./own-contracts.ts";

const LIMITS = ["cruCores", "sruBytes", "hruBytes", "mruBytes", "nruBytesPerHour"] as const;

/**
 * Has the node of a contract run something else under it. What ran before runs on until the new is healthy; when the node refuses
 * the new, the chain names the old again.
 *
 * @throws SprfError `CONTRACT_UNKNOWN`, `INVALID_INPUT` when it needs other limits or IPs than the contract has, `NODE_REFUSED`,
 * `NODE_SILENT` (the chain names the new, and the next command sends it again)
 */
export async function update(
  user: GridUser,
  contractId: number,
  request: Omit<DeployRequest, "nodeId">,
  options: DeployOptions = {},
): Promise<GridContract> {
  const { signal } = options;
  const contract = await ownContract(user, contractId, { signal });
  const { nodeId, deploymentHash: oldHash } = contract;
  if (nodeId === undefined || oldHash === undefined || contract.state === "deleted") {
    throw new SprfError("INVALID_INPUT", `contract ${contractId} has no deployment that could be changed`);
  }
  refuseOtherTerms(contract, request);
  const { workload, secrets, deploymentHash } = prepareDeployment(request.draft, {
    creator: fromHex(user.chain.account.toLowerCase()),
    secretValues: request.secretValues,
    salt: user.random.bytes(WORKLOAD_SALT_BYTES),
    blinding: user.random.bytes(SECRETS_BLINDING_BYTES),
  });
  const data: DeploymentData = { nodeId: BigInt(nodeId), name: request.name, workload, secrets };
  const sealed = await sealDeploymentData(data, user.cipher);
  const oldData = await user.contracts.deploymentData(contract, { signal });
  const entry: JournalEntry = {
    hash: toHex(deploymentHash),
    kind: "update",
    nodeId,
    contractId,
    fingerprint: "",
    beganAtMs: user.clock.now(),
    data: sealed,
  };
  await writeEntry(user.store, entry);
  try {
    await user.contracts.updateContract(contractId, { deploymentHash, data: sealed }, { signal });
  } catch (error) {
    if (isSprfError(error, "CHAIN_REVERTED")) await removeEntry(user.store, entry.hash);
    throw explainRefusal(error);
  }
  try {
    return await bring(user, { entry, contractId, data }, options);
  } catch (error) {
    if (isSprfError(error, "NODE_SILENT")) {
      const next = "The chain names the new deployment: the next command sends it again, as does the same update";
      throw new SprfError("NODE_SILENT", `${error.message} ${next}.`, { cause: error, context: error.context });
    }
    if (!isSprfError(error, "NODE_REFUSED")) throw error;
    await user.contracts.updateContract(contractId, { deploymentHash: oldHash, data: oldData });
    await removeEntry(user.store, entry.hash);
    throw new SprfError("NODE_REFUSED", `${error.message} What ran before runs on.`, {
      cause: error,
      context: error.context,
    });
  }
}

/** What the contract reserves and may bill was fixed when it was bought. */
function refuseOtherTerms(contract: GridContract, { draft }: Pick<DeployRequest, "draft">): void {
  const other = LIMITS.find((name) => BigInt(draft.limits[name]) !== BigInt(contract.limits[name]));
  if (other !== undefined) {
    throw new SprfError(
      "INVALID_INPUT",
      `${other}: contract ${contract.contractId} was bought with ${contract.limits[other]}, the file needs ${draft.limits[other]}; deploy it anew`,
    );
  }
  if (draft.publicIps === contract.publicIpCount) return;
  throw new SprfError(
    "INVALID_INPUT",
    `public IPs: contract ${contract.contractId} was bought with ${contract.publicIpCount}, the file needs ${draft.publicIps}; deploy it anew`,
  );
}
