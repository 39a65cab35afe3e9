import {
  addSample,
  batchReports,
  confirmReport,
  makeReport,
  skipReport,
  takeBackReport,
  type ConsumptionReport,
  type ConsumptionState,
} from "../domain/grid/consumption.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { ReportOutcome } from "../ports/grid-contracts.ts";
import type { DeploymentUsage } from "../ports/workloads.ts";
import { decodeWorkload } from "../wire/grid/workload.ts";
import type { DeploymentRecord } from "./deployment-store.ts";
import type { NodeParts } from "./node-parts.ts";

const MS_PER_SECOND = 1_000;

/** What deployments use, and what the chain knows of it. */
export interface Meter {
  /** Adds what was used since the last time. */
  sample(options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Reports everything, in as few transactions as it takes. Each report is written down before it is sent and sent unchanged
   * until the chain has it, so that none counts twice.
   *
   * @returns whether the chain knows of a contract something that the node does not
   */
  report(options: { readonly signal: AbortSignal }): Promise<boolean>;
}

export function createMeter(parts: NodeParts): Meter {
  const { node, contracts, workloads, deployments, clock } = parts;
  const logger = parts.logger.child({ component: "meter" });
  const nodeId = Number(node.nodeId);

  /** One after the other: both read and write the same states. */
  let last: Promise<unknown> = Promise.resolve();
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const before = last;
    const done = (async () => {
      await before.catch(() => undefined);
      return await work();
    })();
    last = done;
    return await done;
  }

  async function sample(signal: AbortSignal): Promise<void> {
    const records = new Map((await deployments.all()).map((record) => [record.contractId, record]));
    const sampled = await Promise.all(
      (await deployments.consumption()).map(async (state) => {
        const record = records.get(Number(state.contractId));
        return record?.current === undefined ? undefined : await sampleOne(state, record, signal);
      }),
    );
    await deployments.saveConsumption(sampled.filter((state) => state !== undefined));
  }

  async function sampleOne(
    state: ConsumptionState,
    record: DeploymentRecord,
    signal: AbortSignal,
  ): Promise<ConsumptionState | undefined> {
    const workload = record.current === undefined ? undefined : decodeWorkload(record.current.workload);
    let usage: DeploymentUsage = { containers: [], disk: [] };
    try {
      const hasContainers = workload !== undefined && workload.containers.length > 0;
      if (hasContainers) usage = await workloads.usage(record.contractId.toString(), { signal });
    } catch (error) {
      // A deployment that is not there uses nothing; one that cannot be measured is measured next time.
      if (!isSprfError(error, "WORKLOAD_NOT_FOUND")) {
        if (!signal.aborted)
          logger.warn("a deployment cannot be measured", { contract: record.contractId, reason: messageOf(error) });
        return undefined;
      }
    }
    // Of disks, volumes are what was bought.
    const bytesOn = (wanted: "ssd" | "hdd"): bigint =>
      usage.disk.reduce((sum, { kind, name, bytes }) => {
        const disk = kind === "volume" ? (workload?.volumes.find((volume) => volume.name === name)?.disk ?? "ssd") : "";
        return disk === wanted ? sum + BigInt(bytes) : sum;
      }, 0n);
    return addSample(state, {
      atMs: clock.now(),
      containers: usage.containers.map(({ name, identity, cpuNanoseconds, memoryBytes, receivedBytes, sentBytes }) => ({
        name,
        identity,
        cpuNanoseconds,
        networkBytes: receivedBytes + sentBytes,
        memoryBytes: BigInt(memoryBytes),
      })),
      ssdBytes: bytesOn("ssd"),
      hddBytes: bytesOn("hdd"),
    });
  }

  async function report(signal: AbortSignal): Promise<boolean> {
    await sample(signal);
    const states = new Map<bigint, ConsumptionState>();
    for (const state of await deployments.consumption()) {
      // One that is pending from before may have landed though nobody heard of it.
      const known = state.pending === undefined ? state : await askWhetherLanded(state, signal);
      states.set(state.contractId, makeReport(known));
    }
    await deployments.saveConsumption([...states.values()]);
    let isStale = false;
    const rent = await contracts.rentContractOf(nodeId, { signal });
    const batches = batchReports(states.values(), contracts.maxReports - 1);
    for (const [index, batch] of (batches.length === 0 ? [[]] : batches).entries()) {
      const extra = rent === undefined || index > 0 ? [] : [rentReport(rent, clock.now())];
      const reports = [...batch, ...extra];
      if (reports.length === 0) continue;
      const outcomes = await contracts.addReports(nodeId, reports.map(portReport), { signal });
      const after: ConsumptionState[] = [];
      for (const [item, { contractId, timestamp }] of batch.entries()) {
        const [state, outcome] = [states.get(contractId), outcomes[item]];
        if (state === undefined || outcome === undefined) continue;
        after.push(
          outcome === "not-newer"
            ? await takeNotNewer(state, signal)
            : takeOutcome(state, { outcome, timestamp, nowMs: clock.now() }),
        );
        if (outcome === "accepted" || outcome === "kept") continue;
        logger.warn("the chain skipped a report", { contract: Number(contractId), outcome });
        isStale ||=
          outcome === "over" || outcome === "out-of-funds" || outcome === "foreign" || outcome === "not-deployed";
      }
      await deployments.saveConsumption(after);
      logger.debug("consumption reported", { contracts: batch.length });
    }
    return isStale;
  }

  async function askWhetherLanded(state: ConsumptionState, signal: AbortSignal): Promise<ConsumptionState> {
    const contract = await contracts.contract(Number(state.contractId), { signal });
    return confirmReport(state, contract?.reportedAt ?? 0);
  }

  /** It landed before, or the chain's clock was ahead of the node's when the deployment was confirmed. */
  async function takeNotNewer(state: ConsumptionState, signal: AbortSignal): Promise<ConsumptionState> {
    return takeBackReport(await askWhetherLanded(state, signal));
  }

  return {
    sample: async ({ signal }) => await alone(async () => await sample(signal)),
    report: async ({ signal }) => await alone(async () => await report(signal)),
  };
}

function takeOutcome(
  state: ConsumptionState,
  {
    outcome,
    timestamp,
    nowMs,
  }: { readonly outcome: Exclude<ReportOutcome, "not-newer">; readonly timestamp: number; readonly nowMs: number },
): ConsumptionState {
  switch (outcome) {
    case "accepted":
    case "kept":
    case "rate-too-high":
      return confirmReport(state, timestamp);
    case "foreign":
    case "over":
    case "not-deployed":
    case "from-the-future":
    case "out-of-funds":
      return skipReport(state, outcome, nowMs);
  }
}

/** Of a rented node the chain wants to know that it lives; figures mean nothing, and a second report of a time does nothing. */
function rentReport(contractId: number, nowMs: number): ConsumptionReport {
  const none = { cruCores: 0n, sruBytes: 0n, hruBytes: 0n, mruBytes: 0n, nruBytes: 0n };
  return { contractId: BigInt(contractId), timestamp: Math.floor(nowMs / MS_PER_SECOND), ...none };
}

function portReport({ contractId, timestamp, cruCores, ...bytes }: ConsumptionReport) {
  return { contractId: Number(contractId), timestampSeconds: timestamp, cruCores: Number(cruCores), ...bytes };
}
