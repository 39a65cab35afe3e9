import { reconcileOne, type ChainView, type NodeView, type ReconcileAction } from "../domain/grid/reconcile.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { FoundDeployment } from "../ports/workloads.ts";
import { equalBytes } from "../utils/bytes.ts";
import { decodeWorkload } from "../wire/grid/workload.ts";
import { confirm } from "./confirm.ts";
import type { DeploymentRecord, DeploymentVersion } from "./deployment-store.ts";
import { makeDeployment } from "./make-deployment.ts";
import type { NodeParts } from "./node-parts.ts";
import { refusalOf } from "./refusal-of.ts";

const NO_HASH = new Uint8Array(0);

interface Pass {
  readonly signal: AbortSignal;
}

/** Makes what runs and what the chain says agree. */
export interface Reconciler {
  /** One look at everything. A contract that cannot be dealt with is left for the next pass. @throws SprfError of chain or engine */
  pass(options: Pass): Promise<void>;
}

/** @param onChanged - what runs is something else now */
export function createReconciler(parts: NodeParts, { onChanged }: { readonly onChanged: () => void }): Reconciler {
  const { node, contracts, reader, workloads, deployments, turns, clock } = parts;
  const logger = parts.logger.child({ component: "reconcile" });

  return {
    async pass({ signal }) {
      const found = new Map<number, FoundDeployment>();
      for (const deployment of await workloads.list({ signal })) {
        const contractId = idOf(deployment.contractId);
        if (contractId !== undefined) found.set(contractId, deployment);
        else await removeUnknown(deployment.contractId, signal);
      }
      const records = new Map((await deployments.all()).map((record) => [record.contractId, record]));
      const ids = [...new Set([...found.keys(), ...records.keys()])].toSorted((a, b) => a - b);
      const states = await statesOf(ids, signal);
      await Promise.all(
        // What a request is at work on sees to the chain by itself; afterwards it is looked at again.
        ids
          .filter((contractId) => !turns.isBusy(contractId))
          .map(async (contractId) => {
            try {
              await turns.inTurn(contractId, async () => await one(contractId, found, states, signal));
            } catch (error) {
              if (signal.aborted) throw error;
              logger.warn("a contract is left for the next look", { contract: contractId, reason: messageOf(error) });
            }
          }),
      );
    },
  };

  async function removeUnknown(contractId: string, signal: AbortSignal): Promise<void> {
    logger.warn("something unknown carried the label of this node and is removed", { contract: contractId });
    await workloads.remove(contractId, { signal });
  }

  /** States of those that exist; the chain refuses to answer for one that does not, so then each is asked for. */
  async function statesOf(ids: readonly number[], signal: AbortSignal) {
    try {
      const states = await contracts.statesOf(ids, { signal });
      return new Map(ids.map((contractId, index) => [contractId, states[index]]));
    } catch (error) {
      if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
      const found = await Promise.all(ids.map(async (contractId) => await contracts.contract(contractId, { signal })));
      return new Map(ids.map((contractId, index) => [contractId, found[index]?.state]));
    }
  }

  async function one(
    contractId: number,
    found: ReadonlyMap<number, FoundDeployment>,
    states: Awaited<ReturnType<typeof statesOf>>,
    signal: AbortSignal,
  ): Promise<void> {
    const record = await deployments.get(contractId);
    const state = states.get(contractId);
    // The hash matters when something is to be made; what runs on as it should needs no second look.
    const runs = record?.next === undefined && record?.isPaused === false ? record.current : undefined;
    const contract = state === "deployed" && runs !== undefined ? undefined : await reader.read(contractId, { signal });
    if (contract !== undefined && contract.facts.nodeId !== node.nodeId) {
      return await carryOut("delete", contractId, { record, chain: contract.facts }, signal);
    }
    let chain: ChainView = { state: "absent", deploymentHash: NO_HASH };
    if (contract !== undefined) chain = contract.facts;
    else if (state === "deployed" && runs !== undefined) chain = { state, deploymentHash: runs.deploymentHash };
    const view = viewOf(record, found.get(contractId), chain);
    const action = reconcileOne(chain, view);
    if (action !== undefined) await carryOut(action, contractId, { record, chain }, signal);
    else if (chain.state === "deleted") await deployments.forget(contractId);
  }

  async function carryOut(
    action: ReconcileAction,
    contractId: number,
    { record, chain }: { readonly record: DeploymentRecord | undefined; readonly chain: ChainView },
    signal: AbortSignal,
  ): Promise<void> {
    const id = contractId.toString();
    logger.info("the chain and what runs differ", { contract: contractId, action });
    switch (action) {
      case "delete":
        await workloads.remove(id, { signal });
        await deployments.forget(contractId);
        break;
      case "pause":
        if (record !== undefined) await deployments.put({ ...record, isPaused: true });
        await ifThere(async () => await workloads.pause(id, { signal }));
        break;
      case "resume":
        await ifThere(async () => await workloads.resume(id, { signal }));
        if (record !== undefined) await deployments.put({ ...record, isPaused: false });
        break;
      case "confirm":
        await confirm(parts, contractId, { signal });
        break;
      case "deploy":
        await remake(contractId, record, chain, signal);
        break;
    }
    onChanged();
  }

  /** From what was written down: after a crash, or when parts of it have gone. */
  async function remake(
    contractId: number,
    record: DeploymentRecord | undefined,
    chain: ChainView,
    signal: AbortSignal,
  ): Promise<void> {
    const version = versionOf(record, chain);
    if (record === undefined || version === undefined) return;
    try {
      await makeDeployment(parts, contractId, version, { signal });
    } catch (error) {
      const { code } = refusalOf(error);
      // What is the node's own fault may pass; what is not is what the user is told when it asks.
      if (signal.aborted || code === "node-failed" || record.next !== version) throw error;
      if (record.current === undefined) await workloads.remove(contractId.toString(), { signal });
      const { next: _, ...kept } = record;
      await deployments.put({ ...kept, failed: { deploymentHash: version.deploymentHash, refusal: code } });
      throw error;
    }
    if (record.isPaused) await ifThere(async () => await workloads.resume(contractId.toString(), { signal }));
    const { next: _made, failed: _failed, ...kept } = record;
    await deployments.commit({ ...kept, current: version, isPaused: false }, clock.now());
    await confirm(parts, contractId, { signal });
  }
}

/** The version that the chain names, if it was ever sent. */
function versionOf(record: DeploymentRecord | undefined, chain: ChainView): DeploymentVersion | undefined {
  const versions = [record?.next, record?.current].filter((version) => version !== undefined);
  return versions.find(({ deploymentHash }) => equalBytes(deploymentHash, chain.deploymentHash));
}

async function ifThere(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isSprfError(error, "WORKLOAD_NOT_FOUND")) throw error;
  }
}

/** What the node has of a contract. That a container has ended is its restart policy's business, unless the node paused it. */
function viewOf(record: DeploymentRecord | undefined, found: FoundDeployment | undefined, chain: ChainView): NodeView {
  const canMake = versionOf(record, chain) !== undefined;
  const running = found?.containers.filter((container) => container.running).length ?? 0;
  if (record?.current === undefined) {
    return { state: found === undefined ? "none" : running > 0 ? "partial" : "paused", canMake };
  }
  const { deploymentHash, workload } = record.current;
  if (record.isPaused) return { state: running > 0 ? "partial" : "paused", deploymentHash, canMake };
  const names = new Set(found?.containers.map(({ name }) => name));
  const isWhole = decodeWorkload(workload).containers.every(({ name }) => names.has(name));
  return { state: isWhole && record.next === undefined ? "running" : "partial", deploymentHash, canMake };
}

function idOf(text: string): number | undefined {
  const id = Number(text);
  return /^[1-9][0-9]*$/.test(text) && Number.isSafeInteger(id) ? id : undefined;
}
