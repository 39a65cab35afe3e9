import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import { fromHex, toHex } from "../../utils/bytes.ts";
import { hashWithDomain } from "../../wire/canonical.ts";
import { openDeploymentData, sealDeploymentData, type DeploymentData } from "../../wire/grid/deployment-data.ts";
import type { WorkloadDraft } from "../../wire/grid/file/convert.ts";
import { SECRETS_BLINDING_BYTES, WORKLOAD_SALT_BYTES } from "../../wire/grid/limits.ts";
import { prepareDeployment } from "../../wire/grid/prepare-deployment.ts";
import { encodeWorkload } from "../../wire/grid/workload.ts";
import { bring, type DeployOptions } from "./bring.ts";
import { explainRefusal } from "./explain-refusal.ts";
import type { GridUser } from "./grid-user.ts";
import { openEntries, removeEntry, writeEntry, type JournalEntry } from "./journal.ts";
import { ownTwin } from "./own-contracts.ts";
import { quoteDeployment } from "./quote.ts";

/** After it no transaction of an interrupted purchase waits anywhere any more. */
const LOST_AFTER_MS = 600_000;

/** What is to be deployed. */
export interface DeployRequest {
  /** The user's own name for it. */
  readonly name?: string | undefined;
  readonly draft: WorkloadDraft;
  /** Values by name. */
  readonly secretValues: ReadonlyMap<string, string>;
  /** Absent: the cheapest that can take it. */
  readonly nodeId?: number | undefined;
}

/** A deployment that its node runs and the chain knows of. */
export interface Deployed {
  readonly contract: GridContract;
  /** True: an earlier call had begun it and was interrupted. */
  readonly isResumed: boolean;
}

/**
 * Buys a contract and has the node run the deployment. When the node refuses or says nothing, the contract is cancelled and nothing
 * is left. A call that is interrupted (the process killed, the signal aborted) is finished by the next one that asks for the same,
 * or by {@link finishInterrupted}: it is never bought twice.
 *
 * @throws SprfError `NO_NODE`, `BALANCE_TOO_LOW`, `NODE_REFUSED`, `NODE_SILENT`, `INVALID_INPUT`, `DEPLOYMENT_INVALID`,
 * `DEPLOYMENT_DATA_TOO_LARGE`, `ABORTED`
 */
export async function deploy(user: GridUser, request: DeployRequest, options: DeployOptions = {}): Promise<Deployed> {
  const { signal } = options;
  const fingerprint = fingerprintOf(request);
  for (const entry of await openEntries(user.store)) {
    if (entry.fingerprint !== fingerprint) continue;
    const finished = await finishEntry(user, entry, options);
    if (finished === "over") continue;
    if (finished !== "not-bought") return { contract: finished, isResumed: true };
    // Its transaction may still land. With the same hash the chain takes only one of the two.
    return { contract: await buy(user, { entry, data: await dataOf(user, entry) }, options), isResumed: true };
  }
  const { nodeId } = await quoteDeployment(user, request.draft, { nodeId: request.nodeId, signal });
  const prepared = prepareDeployment(request.draft, {
    creator: fromHex(user.chain.account.toLowerCase()),
    secretValues: request.secretValues,
    salt: user.random.bytes(WORKLOAD_SALT_BYTES),
    blinding: user.random.bytes(SECRETS_BLINDING_BYTES),
  });
  const { workload, secrets, deploymentHash } = prepared;
  const data: DeploymentData = { nodeId: BigInt(nodeId), name: request.name, workload, secrets };
  const sealed = await sealDeploymentData(data, user.cipher);
  const entry: JournalEntry = {
    hash: toHex(deploymentHash),
    kind: "deploy",
    nodeId,
    fingerprint,
    beganAtMs: user.clock.now(),
    data: sealed,
  };
  await writeEntry(user.store, entry);
  return { contract: await buy(user, { entry, data }, options), isResumed: false };
}

/** Of a contract on the chain and what comes after it. */
async function buy(
  user: GridUser,
  { entry, data }: { readonly entry: JournalEntry; readonly data: DeploymentData },
  options: DeployOptions,
): Promise<GridContract> {
  const { signal, onStep } = options;
  const { nodeId } = entry;
  const { workload } = data;
  onStep?.({ step: "buying", nodeId });
  const terms = { nodeId, data: entry.data, publicIps: workload.publicIps, limits: workload.limits };
  let contractId: number;
  try {
    contractId = await user.contracts.createContract({ ...terms, deploymentHash: fromHex(entry.hash) }, { signal });
  } catch (error) {
    const bought = await boughtBefore(user, entry, error, options);
    if (bought === undefined) throw explainRefusal(error);
    contractId = bought;
  }
  return await bring(user, { entry, contractId, data }, options);
}

/** The contract that an earlier transaction made. After a refusal there is none, and nothing to remember. */
async function boughtBefore(
  user: GridUser,
  entry: JournalEntry,
  error: unknown,
  { signal }: DeployOptions,
): Promise<number | undefined> {
  const isRefused = isSprfError(error, "CHAIN_REVERTED") || isSprfError(error, "CHAIN_FUNDS_TOO_LOW");
  // After anything else it may still land, and the next call sees to it.
  if (!isRefused) return undefined;
  if (error.context["error"] === "GridContracts_HashInUse") {
    const twin = await ownTwin(user, { signal });
    return await user.contracts.contractOfHash(twin.id, entry.nodeId, fromHex(entry.hash), { signal });
  }
  await removeEntry(user.store, entry.hash);
  return undefined;
}

/** Whether an earlier call began this very deployment and was interrupted, so that {@link deploy} finishes it. */
export async function isBegun({ store }: Pick<GridUser, "store">, request: DeployRequest): Promise<boolean> {
  const fingerprint = fingerprintOf(request);
  return (await openEntries(store)).some((entry) => entry.fingerprint === fingerprint);
}

/**
 * Finishes what was interrupted: what was bought is deployed, or cancelled when its node does not take it; what was not bought is
 * forgotten once it cannot be any more. Resolves with the contracts that stand.
 */
export async function finishInterrupted(user: GridUser, options: DeployOptions = {}): Promise<readonly Deployed[]> {
  const finished: Deployed[] = [];
  for (const entry of await openEntries(user.store)) {
    try {
      const contract = await finishEntry(user, entry, options);
      if (typeof contract !== "string") finished.push({ contract, isResumed: true });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      user.logger.warn("an interrupted deployment could not be finished", { reason: messageOf(error) });
    }
  }
  return finished;
}

async function finishEntry(
  user: GridUser,
  entry: JournalEntry,
  options: DeployOptions,
): Promise<GridContract | "not-bought" | "over"> {
  const { signal } = options;
  const { id } = await ownTwin(user, { signal });
  const contractId =
    entry.contractId ?? (await user.contracts.contractOfHash(id, entry.nodeId, fromHex(entry.hash), { signal }));
  const contract = contractId === undefined ? undefined : await user.contracts.contract(contractId, { signal });
  const isOld = user.clock.now() - entry.beganAtMs > LOST_AFTER_MS;
  if (contract === undefined && !isOld) return "not-bought";
  if (contract === undefined || contract.state === "deleted" || !isNamed(contract, entry)) {
    await removeEntry(user.store, entry.hash);
    return "over";
  }
  const data = await dataOf(user, entry);
  return await bring(user, { entry, contractId: contract.contractId, data }, options);
}

/** Whether the chain names this deployment: an update that never landed leaves another. */
function isNamed({ deploymentHash }: GridContract, { hash }: JournalEntry): boolean {
  return deploymentHash !== undefined && toHex(deploymentHash) === hash;
}

async function dataOf(user: GridUser, { data }: JournalEntry): Promise<DeploymentData> {
  const opened = await openDeploymentData(data, user.cipher);
  if (opened.kind === "data") return opened.data;
  throw new SprfError("STORE_UNAVAILABLE", `the note of a deployment cannot be used: ${opened.problem}`);
}

/** The same for the same file, secrets, name and node, whatever is drawn at random. */
function fingerprintOf({ name = "", draft, secretValues, nodeId = 0 }: DeployRequest): string {
  const salt = new Uint8Array(WORKLOAD_SALT_BYTES);
  const usesSecrets = draft.containers.some(({ secrets }) => secrets.length > 0);
  const workload = encodeWorkload({ ...draft, salt, ...(usesSecrets ? { secretsHash: new Uint8Array(32) } : {}) });
  const secrets = [...secretValues].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rest = Buffer.from(JSON.stringify({ name, nodeId, secrets, workload: toHex(workload) }));
  return toHex(hashWithDomain("sprf/deployment-request/1", new Uint8Array(rest)));
}
