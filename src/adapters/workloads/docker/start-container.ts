import type Docker from "dockerode";
import { setTimeout as wait } from "node:timers/promises";

import { messageOf, SprfError } from "../../../errors.ts";
import { raceAbort, throwIfAborted } from "../../../utils/abort.ts";
import { statusOf } from "../../engine/docker/docker-errors.ts";
import { restartPolicy, STOP_SECONDS } from "./container-options.ts";
import { change, read } from "./docker-calls.ts";
import type { FoundContainer } from "./plan-deployment.ts";

const LOOK_MS = 100;
/** Without a health check, a container that has run for so long counts as ready. */
const SETTLED_MS = 1000;

/**
 * Starts a container; nothing happens when it runs.
 *
 * @throws SprfError `WORKLOAD_PORT_TAKEN`, `WORKLOAD_INVALID`, `INVALID_INPUT` (an address that the node does not have)
 */
export async function startContainer(container: Docker.Container, name: string): Promise<void> {
  try {
    await change(container.start(), `container ${name} cannot be started`, { fine: [304] });
  } catch (error) {
    throw translateStart(error, name);
  }
}

/** What the Docker Engine says when it cannot start or publish a container: some of it is the user's to correct. */
export function translateStart(error: unknown, name: string): unknown {
  const { cause } = error as Error;
  const status = statusOf(cause);
  if (status === undefined) return error;
  const says = messageOf(cause);
  if (/port is already allocated|address already in use/.test(says)) {
    return new SprfError("WORKLOAD_PORT_TAKEN", `a port of container ${name} is taken: ${portIn(says)}`, { cause });
  }
  if (/cannot assign requested address/.test(says)) {
    return new SprfError("INVALID_INPUT", `container ${name} publishes on an address that the node does not have`, {
      cause,
    });
  }
  if (status === 400 || status === 404 || /executable file not found|unable to find user/.test(says)) {
    return new SprfError("WORKLOAD_INVALID", `container ${name} cannot be started: ${says}`, { cause });
  }
  return error;
}

function portIn(says: string): string {
  return /[0-9.]+:[0-9]+/.exec(says)?.[0] ?? "another program has it";
}

/**
 * Waits until a started container is ready.
 *
 * @param justStarted whether it has yet to prove itself
 * @throws SprfError `WORKLOAD_UNHEALTHY`, `TIMEOUT`, `ABORTED`
 */
export async function awaitReady(
  container: Docker.Container,
  { name, justStarted, signal }: { name: string; justStarted: boolean; signal: AbortSignal },
): Promise<void> {
  const began = performance.now();
  // Docker counts from 0 with every start that is not by policy.
  let restarts = justStarted ? 0 : undefined;
  for (;;) {
    const { State: state, RestartCount: count } = await read(container.inspect(), "no container to look at", signal);
    restarts ??= count;
    if (state.OOMKilled) throw unhealthy(name, "wanted more memory than its limit");
    if (!state.Running && !state.Restarting) {
      // A job that has done what it was for.
      if (state.ExitCode === 0 && state.Status === "exited") return;
      throw unhealthy(name, `ended with exit code ${state.ExitCode}`);
    }
    if (state.Restarting || count > restarts)
      throw unhealthy(name, `ended with exit code ${state.ExitCode}, again and again`);
    const health = state.Health?.Status ?? "none";
    if (health === "healthy") return;
    if (health === "unhealthy") throw unhealthy(name, "failed its health check");
    if (health === "none" && (!justStarted || performance.now() - began >= SETTLED_MS)) return;
    await raceAbort(wait(LOOK_MS), signal);
  }
}

function unhealthy(name: string, why: string): SprfError {
  return new SprfError("WORKLOAD_UNHEALTHY", `container ${name} ${why}`, { context: { container: name } });
}

/** Stops a container so that the engine does not start it again either, when it restarts. */
export async function haltContainer(docker: Docker, { id }: FoundContainer, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const container = docker.getContainer(id);
  await change(container.update({ RestartPolicy: restartPolicy("no") }), "a container cannot be changed", {
    fine: [404],
  });
  const stopping = change(container.stop({ t: STOP_SECONDS }), "a container cannot be stopped", { fine: [304, 404] });
  await raceAbort(stopping, signal);
}

/** Undoes {@link haltContainer}. */
export async function reviveContainer(docker: Docker, { id, label }: FoundContainer): Promise<void> {
  const container = docker.getContainer(id);
  await change(container.update({ RestartPolicy: restartPolicy(label.restart) }), "a container cannot be changed");
  await startContainer(container, label.name);
}

/** Removes a container in whatever state, with volumes that its image declared. */
export async function removeContainer(docker: Docker, id: string): Promise<void> {
  // 409: it is being removed.
  await change(docker.getContainer(id).remove({ force: true, v: true }), "a container cannot be removed", {
    fine: [404, 409],
  });
}
