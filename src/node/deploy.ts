import PQueue from "p-queue";

import { decideDeploy, refuseSender, type DeployDecision, type Refusal } from "../domain/grid/decide-deploy.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { GridAnswer, GridProgress, WorkRequest } from "../messaging/answer-grid.ts";
import type { DeployProgress } from "../ports/workloads.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { ReceivedBody } from "../wire/grid/deployment-body.ts";
import { encodeWorkload } from "../wire/grid/workload.ts";
import { confirm } from "./confirm.ts";
import type { DeploymentRecord, DeploymentVersion } from "./deployment-store.ts";
import { heldOf, makeDeployment, secretsOf } from "./make-deployment.ts";
import type { NodeParts } from "./node-parts.ts";
import type { KnownContract } from "./read-contracts.ts";
import { receiveBody } from "./receive-body.ts";
import { refusalOf } from "./refusal-of.ts";
import { workloadSpecOf } from "./workload-spec.ts";

const PERCENT_STEP = 10;
const MAX_LOOKS = 2;
/** More than the reader remembers. */
const PAUSE_BETWEEN_LOOKS_MS = 1_100;

type DeployRequest = Extract<WorkRequest, { readonly kind: "deploy" | "update" }>;

interface DeployOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GridProgress) => void;
}

/** Makes what a user sends, or refuses it and leaves nothing of it. */
export interface Deployer {
  deploy(request: DeployRequest, options: DeployOptions): Promise<GridAnswer>;
}

/** @param onDeployed - a contract has a version that runs from now on */
export function createDeployer(parts: NodeParts, { onDeployed }: { readonly onDeployed: () => void }): Deployer {
  const { node, reader, deployments, turns, clock, workloads } = parts;
  const logger = parts.logger.child({ component: "deploy" });
  /** Two deployments that are decided about at a time would get the same port. */
  const admissions = new PQueue({ concurrency: 1 });

  /** Decides and, if it is to be made, writes it down before anything of it is started. */
  async function admit(
    request: DeployRequest,
    body: ReceivedBody,
    contract: KnownContract | undefined,
  ): Promise<{ readonly decision: DeployDecision; readonly record?: DeploymentRecord }> {
    return await admissions.add(async () => {
      const records = await deployments.all();
      const held = records.flatMap((record) => heldOf(record, node.addresses));
      const decision = decideDeploy(request, body, { contract: contract?.facts, node, held });
      if (contract === undefined || decision.kind === "already" || decision.kind === "refuse") return { decision };
      const contractId = Number(request.contractId);
      const version: DeploymentVersion = {
        deploymentHash: new Uint8Array(body.deploymentHash),
        workload: new Uint8Array(encodeWorkload(body.workload)),
        ...(body.sealedSecrets === undefined ? {} : { sealedSecrets: new Uint8Array(body.sealedSecrets) }),
        creator: contract.creator,
        publicIps: [...contract.facts.publicIps],
      };
      try {
        // What cannot be made is refused before it is written down.
        const secrets = await secretsOf(version, body.workload, parts);
        workloadSpecOf(body.workload, {
          contractId,
          deploymentHash: body.deploymentHash,
          ports: decision.ports,
          secrets,
        });
      } catch (error) {
        return { decision: { kind: "refuse", ...refusalOf(error) } };
      }
      const before = records.find((record) => record.contractId === contractId);
      const { failed: _, ...kept } = before ?? { contractId, isPaused: false };
      const record = { ...kept, next: version };
      await deployments.put(record);
      return { decision, record };
    });
  }

  async function make(record: DeploymentRecord, { signal, onProgress }: DeployOptions): Promise<GridAnswer> {
    const { contractId, next } = record;
    if (next === undefined) return refused({ code: "node-failed", detail: "" });
    const seen = createProgress(onProgress);
    try {
      await makeDeployment(parts, contractId, next, { signal, onProgress: seen.onProgress });
    } catch (error) {
      // Who stops goes on with it when it is up again.
      if (signal.aborted) throw error;
      const refusal = refusalOf(error, seen.log());
      logger.warn("a deployment was not made", {
        contract: contractId,
        refusal: refusal.code,
        ...(refusal.code === "node-failed" ? { reason: messageOf(error) } : {}),
      });
      await dropNext(record, refusal.code);
      return refused(refusal);
    }
    const { next: _made, failed: _failed, ...kept } = record;
    const current: DeploymentRecord = { ...kept, current: next, isPaused: false };
    await deployments.commit(current, clock.now());
    const confirmed = await confirm(parts, contractId, { signal });
    if (confirmed?.code === "contract-over") {
      await workloads.remove(contractId.toString());
      await deployments.forget(contractId);
    }
    if (confirmed !== undefined) return refused(confirmed);
    onDeployed();
    return { kind: "done", deploymentHash: next.deploymentHash };
  }

  /** What was there before runs on; when there was nothing, nothing stays. */
  async function dropNext(record: DeploymentRecord, code: Refusal["code"]): Promise<void> {
    const { next, ...kept } = record;
    if (next === undefined) return;
    if (record.current === undefined) await workloads.remove(record.contractId.toString());
    await deployments.put({ ...kept, failed: { deploymentHash: next.deploymentHash, refusal: code } });
  }

  return {
    async deploy(request, options) {
      const contractId = Number(request.contractId);
      const contract = await reader.read(contractId, options);
      const refusedSender = refuseSender(request, contract?.facts, node);
      if (refusedSender !== undefined) return refused(refusedSender);
      let body: ReceivedBody;
      try {
        body = await receiveBody(parts, request.deployment, { from: request.from, signal: options.signal });
      } catch (error) {
        if (options.signal.aborted || !isSprfError(error)) throw error;
        return refused(refusalOf(error));
      }
      await awaitNamed(contractId, body.deploymentHash, options);
      return await turns.inTurn(contractId, async () => {
        // It waited for its turn, in which the contract may have changed.
        const { decision, record } = await admit(request, body, await reader.read(contractId, options));
        if (decision.kind === "refuse") return refused(decision);
        if (record !== undefined) return await make(record, options);
        return await already(contractId, body, options);
      });
    },
  };

  /** The chain that the node sees may be a block behind the user's, which has just updated the contract. */
  async function awaitNamed(contractId: number, hash: Uint8Array, options: DeployOptions): Promise<void> {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const contract = await reader.recent(contractId, options);
      if (contract === undefined || equalBytes(contract.facts.deploymentHash, hash)) return;
      await clock.sleep(PAUSE_BETWEEN_LOOKS_MS, { signal: options.signal });
    }
  }

  /** It is written down: it runs, or a crash came between. */
  async function already(contractId: number, body: ReceivedBody, options: DeployOptions): Promise<GridAnswer> {
    const record = await deployments.get(contractId);
    if (record?.next !== undefined) return await make(record, options);
    const confirmed = await confirm(parts, contractId, options);
    if (confirmed !== undefined) return refused(confirmed);
    if (record?.current === undefined || !equalBytes(record.current.deploymentHash, body.deploymentHash)) {
      return refused({ code: "not-deployed", detail: "" });
    }
    return { kind: "done", deploymentHash: record.current.deploymentHash };
  }
}

function refused({ code, detail }: Pick<Refusal, "code" | "detail">): GridAnswer {
  return { kind: "refused", code, detail };
}

/** What the user hears of a deployment's steps, and what it is told when it fails. */
function createProgress(onProgress: (progress: GridProgress) => void): {
  readonly onProgress: (progress: DeployProgress) => void;
  readonly log: () => string;
} {
  let log = "";
  let lastPercent = -PERCENT_STEP;
  return {
    log: () => log,
    onProgress(progress) {
      switch (progress.step) {
        case "image": {
          const percent = progress.total <= 0 ? 0 : Math.min(100, Math.floor((100 * progress.done) / progress.total));
          if (percent >= lastPercent && percent < lastPercent + PERCENT_STEP) return;
          lastPercent = percent;
          return onProgress({ step: "fetching", percent });
        }
        case "networks":
        case "volumes":
          return onProgress({ step: "preparing" });
        case "created":
        case "started":
        case "ready":
          return onProgress({ step: "starting", container: progress.container });
        case "stopped":
        case "switched":
          return onProgress({ step: "switching", container: progress.container });
        case "failed":
          ({ log } = progress);
          return;
        case "committed":
          return;
      }
    },
  };
}
