import Docker from "dockerode";
import PQueue from "p-queue";

import { isSprfError, SprfError } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { DiskUsage, WorkloadSpec, Workloads } from "../../../ports/workloads.ts";
import { raceAbort, throwIfAborted, withDeadline } from "../../../utils/abort.ts";
import { systemClock } from "../../clock/system.ts";
import { statusOf } from "../../engine/docker/docker-errors.ts";
import { createImageCache, type ImageCacheInit } from "../../engine/docker/image-cache.ts";
import { pullImage, type PullLimits } from "../../engine/docker/pull-image.ts";
import { checkPorts } from "./check-ports.ts";
import { checkDeclaredVolumes } from "./check-image.ts";
import { checkContractId, checkImage, checkSpec } from "./check-spec.ts";
import { carryOut } from "./deploy.ts";
import { read } from "./docker-calls.ts";
import { containerStatus } from "./container-status.ts";
import { type ContractContainer, findContainers, inOrder } from "./find-containers.ts";
import { ensureFirewall } from "./host-firewall.ts";
import { Naming } from "./labels.ts";
import { listDeployments } from "./list-deployments.ts";
import { measureContainer, measureDisk } from "./measure-usage.ts";
import { removeNetworks, type SubnetPool } from "./networks.ts";
import { planDeployment } from "./plan-deployment.ts";
import { readLogs } from "./read-logs.ts";
import { awaitReady, haltContainer, removeContainer, reviveContainer } from "./start-container.ts";
import { findVolumes, removeVolumes } from "./volumes.ts";

const CHECK_TIMEOUT_MS = 10_000;
const READY_TIMEOUT_MS = 5 * 60_000;
const WRITABLE_BYTES = 1024 ** 3;
const POOL: SubnetPool = { base: "10.213.0.0", bits: 16 };

export interface DockerWorkloadsInit {
  /**
   * Of the node, lower-case letters, digits and `-`, at most 32: nodes on one Docker Engine have one each, and one node always
   * the same.
   */
  readonly owner: string;
  /**
   * How the Docker Engine is reached; it runs on this machine.
   *
   * @default { socketPath: "/var/run/docker.sock" }
   */
  readonly connection?: Docker.DockerOptions | undefined;
  /**
   * A runtime other than the engine's own, such as `runsc`.
   *
   * @default the engine's
   */
  readonly runtime?: string | undefined;
  /**
   * Who keeps deployments from services of the node and of its local networks: this adapter by `iptables`, which takes root,
   * or somebody else, by a rule for interfaces `sprf*`.
   *
   * @default "iptables"
   */
  readonly firewall?: "iptables" | "managed-elsewhere" | undefined;
  /**
   * Of which each network takes a /26, two for a deployment.
   *
   * @default 10.213.0.0/16
   */
  readonly subnets?: SubnetPool | undefined;
  /**
   * What a container may write outside of its volumes.
   *
   * @default 1 GiB
   */
  readonly writableBytes?: number | undefined;
  /**
   * Images that this node pulled and that no deployment uses go when all that it pulled take more than this, the least recently
   * used first.
   *
   * @default all stay
   */
  readonly images?: ImageCacheInit | undefined;
  /** How long pulls of images may take. */
  readonly pulls?: PullLimits | undefined;
  /**
   * How long all containers of a deployment together may take until they are ready.
   *
   * @default 5 minutes
   */
  readonly readyTimeoutMs?: number | undefined;
}

/**
 * Runs deployments in containers of a Docker Engine, which keeps all that there is to know: this adapter has no state but a list of
 * the images that it pulled, which may be lost.
 */
export function createDockerWorkloads(
  components: { readonly logger: Logger; readonly clock?: Clock | undefined },
  init: DockerWorkloadsInit,
): Workloads {
  const { logger, clock = systemClock } = components;
  const docker = new Docker(init.connection ?? { socketPath: "/var/run/docker.sock" });
  const naming = new Naming(init.owner);
  const { pulls, readyTimeoutMs = READY_TIMEOUT_MS, writableBytes = WRITABLE_BYTES } = init;
  const images = init.images === undefined ? undefined : createImageCache({ docker, logger }, init.images);
  const queues = new Map<string, PQueue>();

  /** Calls that change one contract's containers happen in turn. */
  async function inTurn<T>(contractId: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    checkContractId(contractId);
    throwIfAborted(signal);
    const queue = queues.get(contractId) ?? new PQueue({ concurrency: 1 });
    queues.set(contractId, queue);
    const { promise: itsTurn, resolve: begin } = Promise.withResolvers<void>();
    const done = queue
      .add(async () => {
        throwIfAborted(signal);
        begin();
        return await work();
      })
      .finally(() => {
        if (queue.size === 0 && queue.pending === 0) queues.delete(contractId);
      });
    // Once it has begun, it sees to its own end.
    await raceAbort(Promise.race([itsTurn, done]), signal);
    return await done;
  }

  async function find(contractId: string, signal?: AbortSignal): Promise<ContractContainer[]> {
    checkContractId(contractId);
    const found = await findContainers(docker, naming, { contractId, signal });
    if (found.length > 0) return found;
    throw new SprfError("WORKLOAD_NOT_FOUND", `nothing runs here for contract ${contractId}`, {
      context: { contractId },
    });
  }

  async function hasImage(image: string, signal?: AbortSignal): Promise<boolean> {
    checkImage(image);
    try {
      await read(docker.getImage(image).inspect(), "the image cannot be inspected", signal);
      return true;
    } catch (error) {
      if (statusOf((error as Error).cause) === 404) return false;
      throw error;
    }
  }

  const pull: Workloads["pull"] = async (
    image,
    { signal = new AbortController().signal, onProgress = () => undefined } = {},
  ) => {
    if (await hasImage(image, signal)) {
      await images?.used(image);
      return;
    }
    try {
      await pullImage({ docker, clock }, image, { signal, onProgress, limits: pulls });
    } catch (error) {
      if (!isSprfError(error, "PROGRAM_NOT_FOUND")) throw error;
      throw new SprfError("WORKLOAD_IMAGE_NOT_FOUND", error.message, { cause: error, context: error.context });
    }
    if (images === undefined) return;
    const { Size: bytes } = await read(docker.getImage(image).inspect(), "the image cannot be inspected", signal);
    await images.pulled(image, bytes);
  };

  /** While a deployment is made, its images go for no other's: containers do not keep them yet. */
  async function holding(spec: WorkloadSpec, work: () => Promise<void>): Promise<void> {
    const names = new Set(spec.containers.map(({ image }) => image));
    const releases = await Promise.all([...names].map(async (name) => await images?.hold(name)));
    try {
      await work();
    } finally {
      for (const release of releases) release?.();
      await images?.trim();
    }
  }

  async function pause(contractId: string, signal?: AbortSignal): Promise<void> {
    await inTurn(contractId, signal, async () => {
      // Those that others depend on stop last.
      for (const each of inOrder(await find(contractId, signal)).toReversed())
        await haltContainer(docker, each, signal);
    });
  }

  async function deploy(spec: WorkloadSpec, options: Parameters<Workloads["deploy"]>[1] = {}): Promise<void> {
    const { onProgress = () => undefined } = options;
    for (const image of new Set(spec.containers.map((container) => container.image))) {
      const report = (progress: { done: number; total: number }): void =>
        onProgress({ step: "image", image, ...progress });
      await pull(image, { signal: options.signal, onProgress: report });
    }
    for (const container of spec.containers) await checkDeclaredVolumes(docker, container, options.signal);
    const signal = withDeadline(options.signal, readyTimeoutMs);
    const { contractId } = spec;
    const found = await findContainers(docker, naming, { contractId, signal });
    const plan = planDeployment(spec, found);
    const ports = spec.containers.flatMap((container) => container.ports);
    await checkPorts(docker, { ports, own: new Set(found.map(({ id }) => id)), signal });
    const { subnets: pool = POOL, runtime } = init;
    await carryOut({ docker, logger, naming, pool, runtime, spec, plan, signal, onProgress });
    logger.info("deployed", { contract: contractId, containers: spec.containers.length });
  }

  return {
    async check({ signal } = {}) {
      try {
        await raceAbort(docker.ping(), withDeadline(signal, CHECK_TIMEOUT_MS));
      } catch (error) {
        throwIfAborted(signal);
        throw new SprfError("ENGINE_UNAVAILABLE", "the Docker Engine does not answer", { cause: error });
      }
      if (init.firewall !== "managed-elsewhere") await ensureFirewall(signal);
    },

    async deploy(spec, options = {}) {
      checkSpec(spec);
      await inTurn(
        spec.contractId,
        options.signal,
        async () => await holding(spec, async () => await deploy(spec, options)),
      );
    },

    async pause(contractId, { signal } = {}) {
      await pause(contractId, signal);
    },

    async resume(contractId, { signal } = {}) {
      await inTurn(contractId, signal, async () => {
        const deadline = withDeadline(signal, readyTimeoutMs);
        for (const each of inOrder(await find(contractId, deadline))) {
          throwIfAborted(deadline);
          await reviveContainer(docker, each);
          const { name } = each.label;
          await awaitReady(docker.getContainer(each.id), { name, justStarted: !each.running, signal: deadline });
        }
      });
    },

    async remove(contractId, { signal } = {}) {
      await inTurn(contractId, signal, async () => {
        for (const { id } of await findContainers(docker, naming, { contractId, signal })) {
          await removeContainer(docker, id);
        }
        await removeVolumes(docker, { naming, contractId });
        await removeNetworks(docker, naming, contractId);
      });
      await images?.trim();
    },

    async list({ signal } = {}) {
      return await listDeployments(docker, naming, signal);
    },

    async status(contractId, { signal } = {}) {
      return await Promise.all(
        inOrder(await find(contractId, signal)).map(async ({ id, label }) => {
          const asked = docker.getContainer(id).inspect();
          return containerStatus(label.name, await read(asked, `container ${label.name} cannot be inspected`, signal));
        }),
      );
    },

    async usage(contractId, { signal } = {}) {
      const found = inOrder(await find(contractId, signal));
      const running = found.filter((each) => each.running);
      const usages = await Promise.all(
        running.map(async ({ id, label }) => await measureContainer(docker.getContainer(id), label.name, signal)),
      );
      const volumes = await findVolumes(docker, naming, { contractId, signal });
      return {
        containers: usages.filter((each) => each !== undefined),
        disk: await measureDisk(docker, found, volumes, { writableBytes, signal }),
      };
    },

    async stopOverfull({ signal } = {}) {
      const stopped: { contractId: string; disk: DiskUsage[] }[] = [];
      const containers = await findContainers(docker, naming, { signal });
      const volumes = await findVolumes(docker, naming, { signal });
      for (const [contractId, own] of Map.groupBy(containers, (each) => each.contractId)) {
        if (!own.some(({ running }) => running)) continue;
        const ownVolumes = volumes.filter((volume) => volume.contractId === contractId);
        const disk = await measureDisk(docker, own, ownVolumes, { writableBytes, signal });
        const over = disk.filter(({ bytes, limitBytes }) => limitBytes !== undefined && bytes > limitBytes);
        if (over.length === 0) continue;
        await pause(contractId, signal);
        logger.warn("a deployment takes more disk than it may and was paused", { contract: contractId });
        stopped.push({ contractId, disk: over });
      }
      return stopped;
    },

    async *logs(contractId, name, options = {}) {
      const found = await find(contractId, options.signal);
      const container = found.findLast(({ label }) => label.name === name);
      if (container === undefined) {
        throw new SprfError("WORKLOAD_NOT_FOUND", `contract ${contractId} has no container ${name}`);
      }
      yield* readLogs(docker.getContainer(container.id), options);
    },

    pull,

    async hasImage(image, { signal } = {}) {
      return await hasImage(image, signal);
    },
  };
}
