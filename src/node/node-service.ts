import { refuseSender, type NodeFacts } from "../domain/grid/decide-deploy.ts";
import { isSprfError, messageOf } from "../errors.ts";
import { answerGridRequests, type GridAnswer, type LogsRequest, type WorkRequest } from "../messaging/answer-grid.ts";
import type { GridMessaging } from "../messaging/grid-identity.ts";
import type { Chain } from "../ports/chain.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { GridContracts } from "../ports/grid-contracts.ts";
import type { Startable } from "../ports/startable.ts";
import type { Store } from "../ports/store.ts";
import type { Workloads } from "../ports/workloads.ts";
import { createDeployer } from "./deploy.ts";
import { createDeploymentStore } from "./deployment-store.ts";
import { createKeyedTurns } from "./keyed-turns.ts";
import { createMeter } from "./meter.ts";
import type { NodeParts } from "./node-parts.ts";
import { createContractReader } from "./read-contracts.ts";
import { createReconciler } from "./reconcile-all.ts";
import { statusOf } from "./status.ts";
import { tailLogs } from "./tail-logs.ts";
import { repeatedly } from "./repeatedly.ts";
import { createSelfCheck } from "./self-check.ts";
import { watchChain } from "./watch-chain.ts";

export interface NodeServiceComponents extends GridMessaging {
  readonly chain: Pick<Chain, "twin" | "twinOfKey" | "blocks" | "blockNumber">;
  readonly contracts: GridContracts;
  readonly workloads: Workloads;
  readonly content: Pick<ContentStore, "get">;
  /** Where this node takes connections, over which it fetches content. */
  readonly multiaddrs: () => readonly string[];
  readonly cipher: Cipher;
  readonly store: Store;
}

export interface NodeServiceInit {
  readonly node: NodeFacts;
  /** How often everything that runs is compared with the chain, whatever events say. */
  readonly pollIntervalMs: number;
  readonly sampleIntervalMs: number;
  /** A fraction of the chain's interval, so that one report that fails stops no bill. */
  readonly reportIntervalMs: number;
}

/** A node that runs. */
export interface NodeService extends Startable {
  /** What keeps users from it, in one line for its operator; undefined while nothing does. */
  problem(): string | undefined;
}

const FIRST_REPORT_MS = 1_500;

/** A node of the grid: runs what its contracts name, while and as they say, and reports what that uses. */
export function createNodeService(components: NodeServiceComponents, init: NodeServiceInit): NodeService {
  const { chain, contracts, workloads, clock } = components;
  const logger = components.logger.child({ node: Number(init.node.nodeId) });
  const parts: NodeParts = {
    ...components,
    node: init.node,
    reader: createContractReader(components),
    deployments: createDeploymentStore(components.store),
    turns: createKeyedTurns(),
    logger,
  };
  const meter = createMeter(parts);
  const selfCheck = createSelfCheck({ ...components, logger });
  let running: { readonly stop: AbortController; readonly loops: readonly Promise<void>[] } | undefined;

  const reports = repeatedly(async (signal) => await report(signal), {
    clock,
    everyMs: init.reportIntervalMs,
    onError: (error) => logger.warn("consumption is not reported yet", { reason: messageOf(error) }),
  });
  const samples = repeatedly(async (signal) => await meter.sample({ signal }), {
    clock,
    everyMs: init.sampleIntervalMs,
    onError: (error) => logger.warn("consumption is not measured yet", { reason: messageOf(error) }),
  });
  const reconciler = createReconciler(parts, { onChanged: () => reports.soon() });
  const looks = repeatedly(async (signal) => await look(signal), {
    clock,
    everyMs: init.pollIntervalMs,
    onError: (error) => logger.warn("the chain and what runs cannot be compared", { reason: messageOf(error) }),
  });
  const deployer = createDeployer(parts, {
    onDeployed() {
      // The chain takes a report of a later second than the confirmation's only, and bills from the first one on.
      const soon = clock.sleep(FIRST_REPORT_MS, { signal: running?.stop.signal });
      soon.then(
        () => reports.soon(),
        () => undefined,
      );
    },
  });

  async function look(signal: AbortSignal): Promise<void> {
    await reconciler.pass({ signal });
    const stopped = await workloads.stopOverfull({ signal });
    for (const { contractId } of stopped) logger.warn("a deployment is over its disk", { contract: contractId });
  }

  async function report(signal: AbortSignal): Promise<void> {
    if (await meter.report({ signal })) looks.soon();
  }

  const answerer = answerGridRequests({
    ...components,
    logger,
    async refuse(message, { signal }) {
      const contract = await parts.reader.recent(Number(message.contractId), { signal });
      return refuseSender(message, contract?.facts, init.node);
    },
    answer,
    async readLogs(request: LogsRequest, { signal }) {
      const contractId = request.contractId.toString();
      try {
        const statuses = await workloads.status(contractId, { signal });
        if (!statuses.some(({ name }) => name === request.container)) {
          return { kind: "refuse", code: "container-unknown", detail: "" };
        }
      } catch (error) {
        if (!isSprfError(error, "WORKLOAD_NOT_FOUND")) throw error;
        return { kind: "refuse", code: "not-deployed", detail: "" };
      }
      return tailLogs(workloads, { contractId, container: request.container }, { ...request, signal });
    },
  });

  async function answer(
    request: WorkRequest,
    options: Parameters<Parameters<typeof answerGridRequests>[0]["answer"]>[1],
  ): Promise<GridAnswer> {
    switch (request.kind) {
      case "deploy":
      case "update":
        return await deployer.deploy(request, options);
      case "delete":
        return await remove(Number(request.contractId), options.signal);
      case "status":
        return await statusOf(parts, Number(request.contractId), options);
    }
  }

  /** Its user's word, which the node carries to the chain if the user has not: what is deleted is not billed. */
  async function remove(contractId: number, signal: AbortSignal): Promise<GridAnswer> {
    return await parts.turns.inTurn(contractId, async () => {
      const contract = await parts.reader.read(contractId, { signal });
      if (contract?.facts.state !== "deleted") {
        try {
          await contracts.cancelContract(contractId, { signal });
        } catch (error) {
          const state = (await parts.reader.read(contractId, { signal }))?.facts.state;
          if (state !== "deleted") throw error;
        }
      }
      await workloads.remove(contractId.toString(), { signal });
      await parts.deployments.forget(contractId);
      return { kind: "done" };
    });
  }

  return {
    problem: () => selfCheck.problem(),
    async start({ signal } = {}) {
      if (running !== undefined) return;
      await workloads.check({ signal });
      const stop = new AbortController();
      running = {
        stop,
        loops: [
          looks.run(stop.signal),
          samples.run(stop.signal),
          reports.run(stop.signal),
          watchChain(
            parts,
            { chain, onBlock: async (block) => await selfCheck.look(block), onChange: () => looks.soon() },
            stop.signal,
          ).catch((error: unknown) => {
            logger.error("events of the grid are not followed any more; polling goes on", { reason: messageOf(error) });
          }),
        ],
      };
      await answerer.start({ signal });
      logger.info("node started");
    },
    async stop() {
      if (running === undefined) return;
      const { stop, loops } = running;
      running = undefined;
      stop.abort();
      await answerer.stop();
      await Promise.allSettled(loops);
    },
  };
}
