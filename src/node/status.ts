import { isSprfError } from "../errors.ts";
import type { GridAnswer } from "../messaging/answer-grid.ts";
import type { ContainerStatus } from "../ports/workloads.ts";
import { announcedMultiaddrs } from "../wire/address.ts";
import type { NodeParts } from "./node-parts.ts";

type StatusReply = Extract<GridAnswer, { readonly kind: "status-reply" }>;

const MAX_EXIT_CODE = 255;

/** How a deployment stands. */
export async function statusOf(
  { deployments, workloads, multiaddrs }: Pick<NodeParts, "deployments" | "workloads" | "multiaddrs">,
  contractId: number,
  { signal }: { readonly signal: AbortSignal },
): Promise<StatusReply> {
  const record = await deployments.get(contractId);
  const head: Pick<StatusReply, "kind" | "multiaddrs"> = {
    kind: "status-reply",
    multiaddrs: announcedMultiaddrs(multiaddrs()),
  };
  if (record === undefined) return { ...head, containers: [], publicIps: [], state: "absent" };
  const { current, next, failed, isPaused } = record;
  return {
    ...head,
    state: next !== undefined ? "deploying" : isPaused ? "paused" : current !== undefined ? "running" : "failed",
    ...(current === undefined ? {} : { deploymentHash: current.deploymentHash }),
    containers: (await containersOf(workloads, contractId, signal)).map(wireStatusOf),
    publicIps: [...(current?.publicIps ?? [])],
    ...(failed === undefined ? {} : { refusal: failed.refusal }),
  };
}

async function containersOf(
  workloads: NodeParts["workloads"],
  contractId: number,
  signal: AbortSignal,
): Promise<readonly ContainerStatus[]> {
  try {
    return await workloads.status(contractId.toString(), { signal });
  } catch (error) {
    if (isSprfError(error, "WORKLOAD_NOT_FOUND")) return [];
    throw error;
  }
}

function wireStatusOf({ exitCode, ...status }: ContainerStatus): StatusReply["containers"][number] {
  const inRange = exitCode !== undefined && exitCode >= 0 && exitCode <= MAX_EXIT_CODE;
  return { ...status, ...(inRange ? { exitCode } : {}) };
}
