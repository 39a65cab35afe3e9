import { SprfError } from "../../src/errors.ts";
import type { ContainerUsage, LogEntry, WorkloadSpec, Workloads } from "../../src/ports/workloads.ts";

interface Running {
  spec: WorkloadSpec;
  running: boolean;
}

export interface MemoryWorkloads extends Workloads {
  readonly deployed: Map<string, Running>;
  /** What the next deployments do instead of success. */
  fails: ((spec: WorkloadSpec) => SprfError | undefined) | undefined;
  /** Waited for in the middle of each deployment. */
  gate: ((spec: WorkloadSpec, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Counters of all containers. */
  used: Pick<ContainerUsage, "cpuNanoseconds" | "memoryBytes" | "receivedBytes" | "sentBytes">;
  log: LogEntry[];
  readonly calls: string[];
}

/** A container engine that runs nothing, for tests of what a node decides. It outlives the node, as an engine does. */
export function createMemoryWorkloads(): MemoryWorkloads {
  const deployed = new Map<string, Running>();
  const need = (contractId: string): Running => {
    const found = deployed.get(contractId);
    if (found === undefined) throw new SprfError("WORKLOAD_NOT_FOUND", `nothing runs for ${contractId}`);
    return found;
  };
  const self: MemoryWorkloads = {
    deployed,
    fails: undefined,
    gate: undefined,
    used: { cpuNanoseconds: 0n, memoryBytes: 0, receivedBytes: 0n, sentBytes: 0n },
    log: [],
    calls: [],
    check: async () => undefined,
    async deploy(spec, { signal, onProgress = () => undefined } = {}) {
      self.calls.push(`deploy ${spec.contractId}`);
      onProgress({ step: "networks" });
      await self.gate?.(spec, signal);
      const error = self.fails?.(spec);
      if (error !== undefined) throw error;
      for (const { name } of spec.containers) onProgress({ step: "ready", container: name });
      deployed.set(spec.contractId, { spec, running: true });
    },
    async pause(contractId) {
      self.calls.push(`pause ${contractId}`);
      need(contractId).running = false;
    },
    async resume(contractId) {
      self.calls.push(`resume ${contractId}`);
      need(contractId).running = true;
    },
    async remove(contractId) {
      self.calls.push(`remove ${contractId}`);
      deployed.delete(contractId);
    },
    list: async () =>
      [...deployed].map(([contractId, { spec, running }]) => ({
        contractId,
        containers: spec.containers.map(({ name }) => ({ name, running, deploymentHash: spec.deploymentHash })),
        networks: 1,
        volumes: [],
      })),
    async status(contractId) {
      const { spec, running } = need(contractId);
      return spec.containers.map(({ name }) => ({
        name,
        state: running ? ("running" as const) : ("exited" as const),
        health: "none" as const,
        restarts: 0,
        exitCode: undefined,
        outOfMemory: false,
      }));
    },
    async usage(contractId) {
      const { spec, running } = need(contractId);
      const containers = running ? spec.containers : [];
      return { containers: containers.map(({ name }) => ({ name, identity: `${name}@1`, ...self.used })), disk: [] };
    },
    stopOverfull: async () => [],
    async *logs(contractId) {
      need(contractId);
      yield* self.log;
    },
    pull: async () => undefined,
    hasImage: async () => true,
  };
  return self;
}
