import type Docker from "dockerode";

import type { ContainerStatus } from "../../../ports/workloads.ts";

const NEVER = "0001-01-01";

/** What Docker says of a container, in the port's words. */
export function containerStatus(
  name: string,
  { State: state, RestartCount: restarts }: Docker.ContainerInspectInfo,
): ContainerStatus {
  return {
    name,
    state: stateOf(state),
    health: healthOf(state.Health?.Status),
    restarts,
    exitCode: state.FinishedAt.startsWith(NEVER) ? undefined : state.ExitCode,
    outOfMemory: state.OOMKilled,
  };
}

function stateOf(state: Docker.ContainerInspectInfo["State"]): ContainerStatus["state"] {
  if (state.Restarting) return "restarting";
  if (state.Running) return "running";
  return state.Status === "created" ? "created" : "exited";
}

function healthOf(status: string | undefined): ContainerStatus["health"] {
  return status === "starting" || status === "healthy" || status === "unhealthy" ? status : "none";
}
