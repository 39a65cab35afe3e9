import type Docker from "dockerode";

import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { DeployProgress, WorkloadSpec } from "../../../ports/workloads.ts";
import { throwIfAborted } from "../../../utils/abort.ts";
import { containerOptions } from "./container-options.ts";
import { change, read } from "./docker-calls.ts";
import { LABEL_CONTAINER, LABEL_HASH, type Naming } from "./labels.ts";
import { type DeploymentNetworks, ensureNetworks, removeNetworks, type SubnetPool } from "./networks.ts";
import type { DeploymentPlan, FoundContainer, PlannedContainer } from "./plan-deployment.ts";
import { logTail } from "./read-logs.ts";
import {
  awaitReady,
  haltContainer,
  removeContainer,
  reviveContainer,
  startContainer,
  translateStart,
} from "./start-container.ts";
import { ensureVolumes, removeVolumes, volumeId } from "./volumes.ts";

export interface DeployInit {
  readonly docker: Docker;
  readonly logger: Logger;
  readonly naming: Naming;
  readonly pool: SubnetPool;
  readonly runtime: string | undefined;
  readonly spec: WorkloadSpec;
  readonly plan: DeploymentPlan;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DeployProgress) => void;
}

/**
 * Carries out a plan. Until the new version is ready in all its parts, each step can be undone, and is when a later one fails;
 * only then does anything of the old version go. A crash leaves what the next plan takes up.
 */
export async function carryOut(init: DeployInit): Promise<void> {
  const { docker, naming, plan, spec, signal, onProgress } = init;
  const { contractId } = spec;
  const isNew = plan.retire.length === 0 && plan.containers.every(({ current }) => current === undefined);
  const made = new Map<PlannedContainer, string>();
  let madeVolumes: readonly string[] = [];
  for (const { id } of plan.discard) await removeContainer(docker, id);
  try {
    const networks = await ensureNetworks(docker, { naming, contractId, pool: init.pool });
    onProgress({ step: "networks" });
    throwIfAborted(signal);
    const names = [...new Set(spec.containers.flatMap(({ volumes }) => volumes.map(({ name }) => name)))];
    madeVolumes = await ensureVolumes(docker, { naming, contractId, names });
    onProgress({ step: "volumes" });
    await makeReady(init, networks, made);
    for (const planned of plan.containers) {
      const id = made.get(planned);
      if (planned.way !== "beside" || id === undefined || planned.label.ports.length === 0) continue;
      await switchPorts(init, networks, { from: planned.current, to: id, name: planned.label.name });
    }
  } catch (error) {
    await undo(init, { made: [...made.values()], madeVolumes, isNew });
    throw error;
  }
  onProgress({ step: "committed" });
  for (const old of plan.retire) {
    await haltContainer(docker, old);
    await removeContainer(docker, old.id);
  }
}

async function makeReady(
  init: DeployInit,
  networks: DeploymentNetworks,
  made: Map<PlannedContainer, string>,
): Promise<void> {
  const { docker, plan, signal, onProgress } = init;
  const start = async (planned: PlannedContainer): Promise<void> => {
    const id = planned.way === "keep" ? planned.current?.id : await create(init, networks, planned, made);
    if (id === undefined) return;
    await startReady(init, networks, planned, id);
  };
  // Those that change in place come last, so that what can fail beforehand costs no interruption.
  for (const planned of plan.containers.filter(({ way }) => way !== "in-place")) await start(planned);
  for (const old of plan.stop) {
    await haltContainer(docker, old, signal);
    onProgress({ step: "stopped", container: old.label.name });
  }
  for (const planned of plan.containers.filter(({ way }) => way === "in-place")) await start(planned);
}

async function create(
  { docker, naming, runtime, spec: { contractId, deploymentHash }, signal, onProgress }: DeployInit,
  networks: DeploymentNetworks,
  planned: PlannedContainer,
  made: Map<PlannedContainer, string>,
): Promise<string | undefined> {
  const { container, label, way } = planned;
  throwIfAborted(signal);
  const created = await change(
    docker.createContainer({
      name: naming.container(contractId, label),
      ...containerOptions(container, {
        labels: {
          ...naming.labels(contractId),
          [LABEL_HASH]: deploymentHash,
          [LABEL_CONTAINER]: JSON.stringify(label),
        },
        network: networks.inner,
        volumeNames: new Map(container.volumes.map(({ name }) => [name, volumeId(naming, contractId, name)])),
        runtime,
      }),
    }),
    `container ${label.name} cannot be made`,
  ).catch((error: unknown) => {
    throw translateStart(error, label.name);
  });
  if (created === undefined) return undefined;
  made.set(planned, created.id);
  // One that is to take over ports reaches the world only with them: Docker publishes all or none.
  if (way !== "beside" || label.ports.length === 0) await connect(docker, networks.edge, created.id, label.name);
  onProgress({ step: "created", container: label.name });
  return created.id;
}

async function startReady(
  { docker, signal, onProgress }: DeployInit,
  networks: DeploymentNetworks,
  { label, way, current }: PlannedContainer,
  id: string,
): Promise<void> {
  const { name } = label;
  const container = docker.getContainer(id);
  throwIfAborted(signal);
  if (way === "keep" && current !== undefined) {
    await attach(docker, networks, current);
    if (!current.running) await reviveContainer(docker, current);
  } else {
    await startContainer(container, name);
  }
  onProgress({ step: "started", container: name });
  try {
    await awaitReady(container, { name, justStarted: !(way === "keep" && current?.running === true), signal });
  } catch (error) {
    onProgress({ step: "failed", container: name, log: await logTail(container) });
    throw error;
  }
  onProgress({ step: "ready", container: name });
}

/** Takes published ports from one running container and gives them to another: a third of a second in which nobody answers. */
async function switchPorts(
  { docker, signal, onProgress }: DeployInit,
  networks: DeploymentNetworks,
  { from, to, name }: { from: FoundContainer | undefined; to: string; name: string },
): Promise<void> {
  throwIfAborted(signal);
  if (from !== undefined) await detach(docker, networks, from.id);
  await connect(docker, networks.edge, to, name);
  onProgress({ step: "switched", container: name });
}

/** Never throws: what it cannot undo, the next call for the contract will find. */
async function undo(
  { docker, logger, naming, pool, plan, spec: { contractId } }: DeployInit,
  { made, madeVolumes, isNew }: { made: readonly string[]; madeVolumes: readonly string[]; isNew: boolean },
): Promise<void> {
  const trying = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      logger.warn("a failed deployment was not undone", { contract: contractId, error: messageOf(error) });
    }
  };
  for (const id of made) await trying(async () => await removeContainer(docker, id));
  for (const current of plan.containers.map((each) => each.current).concat(plan.retire)) {
    if (current === undefined) continue;
    await trying(async () => {
      const networks = await ensureNetworks(docker, { naming, contractId, pool });
      if (current.serving) await attach(docker, networks, current);
      if (current.running) await reviveContainer(docker, current);
    });
  }
  if (madeVolumes.length > 0) {
    await trying(async () => await removeVolumes(docker, { naming, contractId, names: madeVolumes }));
  }
  if (isNew) await trying(async () => await removeNetworks(docker, naming, contractId));
}

/** Connects a container to those of its networks that it is not on. */
async function attach(
  docker: Docker,
  { inner, edge }: DeploymentNetworks,
  { id, label }: FoundContainer,
): Promise<void> {
  const { NetworkSettings: settings } = await read(docker.getContainer(id).inspect(), "no container to connect");
  if (!(inner in settings.Networks)) await connect(docker, inner, id, label.name);
  if (!(edge in settings.Networks)) await connect(docker, edge, id, label.name);
}

async function connect(docker: Docker, network: string, id: string, name: string): Promise<void> {
  const asked = docker.getNetwork(network).connect({ Container: id, EndpointConfig: { Aliases: [name] } });
  try {
    await change(asked, `container ${name} cannot be published`);
  } catch (error) {
    throw translateStart(error, name);
  }
}

/** Frees a container's ports. First the inner network: Docker would go on publishing there, internal as it is. */
async function detach(docker: Docker, { inner, edge }: DeploymentNetworks, id: string): Promise<void> {
  for (const network of [inner, edge]) {
    const call = docker.getNetwork(network).disconnect({ Container: id });
    await change(call, "a container cannot be taken off its ports", { fine: [403, 404] });
  }
}
