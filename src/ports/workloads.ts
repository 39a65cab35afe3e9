/** A directory that outlives its containers; containers of one deployment that name the same volume share it. */
export interface WorkloadVolume {
  /** Lower-case letters, digits and `-`. */
  readonly name: string;
  /** Absolute, inside the container. */
  readonly path: string;
  /** Whether this container may only read it. @default false */
  readonly readOnly?: boolean | undefined;
  /** What the deployment may keep there. Container engines cannot always stop it at once: see {@link Workloads.stopOverfull}. */
  readonly sizeBytes: number;
}

/** A port of a container, published on an address of the node. */
export interface WorkloadPort {
  readonly containerPort: number;
  /** An IPv4 address that the node has; never a wildcard. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: "tcp" | "udp";
}

export interface WorkloadHealthCheck {
  /** Run inside the container; 0 is healthy. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
}

export interface WorkloadContainer {
  /** Lower-case letters, digits and `-`; other containers of the deployment reach it by this name. */
  readonly name: string;
  /** `host/repository@sha256:digest`. */
  readonly image: string;
  /** @default the image's */
  readonly entrypoint?: readonly string[] | undefined;
  /** @default the image's */
  readonly command?: readonly string[] | undefined;
  /** Secrets are opened already; no error, log or list shows a value. */
  readonly environment: Readonly<Record<string, string>>;
  /** Thousandths of a core. */
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly volumes: readonly WorkloadVolume[];
  readonly ports: readonly WorkloadPort[];
  readonly restart: "always" | "on-failure" | "no";
  /** @default it is ready when it has run for a second */
  readonly healthCheck?: WorkloadHealthCheck | undefined;
  /** @default the image's */
  readonly user?: string | undefined;
}

/** What runs for one contract. */
export interface WorkloadSpec {
  /** Lower-case letters, digits and `-`; the id of the contract. */
  readonly contractId: string;
  /** Tells one version of the deployment from the next; lower-case hex. */
  readonly deploymentHash: string;
  /** They start in this order, each when the one before is ready. */
  readonly containers: readonly WorkloadContainer[];
}

/** How far a deployment is. `log` is the user's own and may hold secrets: show it to nobody else. */
export type DeployProgress =
  | { readonly step: "image"; readonly image: string; readonly done: number; readonly total: number }
  | { readonly step: "networks" | "volumes" | "committed" }
  | { readonly step: "created" | "started" | "ready" | "stopped" | "switched"; readonly container: string }
  | { readonly step: "failed"; readonly container: string; readonly log: string };

/** What a container engine holds of a deployment; parts of one that was half made or half removed count. */
export interface FoundDeployment {
  readonly contractId: string;
  readonly containers: readonly {
    readonly name: string;
    readonly running: boolean;
    /** Of the version that made it: an update leaves containers that it does not change. */
    readonly deploymentHash: string;
  }[];
  readonly networks: number;
  readonly volumes: readonly string[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly state: "created" | "running" | "restarting" | "exited";
  /** `none` without a health check. */
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  /** Restarts by policy since it was made. */
  readonly restarts: number;
  /** Of its last end; undefined while it has not ended. */
  readonly exitCode: number | undefined;
  /** It ended because it wanted more memory than its limit. */
  readonly outOfMemory: boolean;
}

export interface ContainerUsage {
  readonly name: string;
  /**
   * Changes with each start; counters begin at 0 with it. Within one identity, count what is more than last time, and
   * nothing when it is less.
   */
  readonly identity: string;
  readonly cpuNanoseconds: bigint;
  /** Now, without what the kernel would give back. */
  readonly memoryBytes: number;
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

/** Disk that a deployment takes now. */
export interface DiskUsage {
  /** A volume, or what a container wrote outside of its volumes. */
  readonly kind: "volume" | "container";
  readonly name: string;
  readonly bytes: number;
  /** Undefined for a volume that no container names any more. */
  readonly limitBytes: number | undefined;
}

export interface DeploymentUsage {
  /** Running containers only. */
  readonly containers: readonly ContainerUsage[];
  readonly disk: readonly DiskUsage[];
}

export interface LogOptions {
  /** @default false */
  readonly follow?: boolean | undefined;
  /** Unix time in seconds, fractions allowed; @default from the beginning of what is kept */
  readonly since?: number | undefined;
  /** Ends after so much; @default 1 MiB, and unbounded with `follow` */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds. */
  readonly at: string;
  /** With its end of line, if it has one; long lines come in parts. */
  readonly bytes: Uint8Array;
}

interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A container engine as a node needs it. Every call may be repeated after a crash at any point and comes to the same end; calls
 * for one contract happen in turn, so that whoever would remove what is being deployed aborts that first. Aborting takes effect at once while something is waited for, and otherwise after the step
 * under way, so that nothing appears later.
 *
 * All throw `ENGINE_UNAVAILABLE` and `ENGINE_FAILED`, `TIMEOUT` and `ABORTED`.
 */
export interface Workloads {
  /** That the engine answers and isolates what will run on it. */
  check(options?: Abortable): Promise<void>;
  /**
   * Makes the deployment be as `spec` says and waits until it is ready: the first time, again after a crash, and to update it.
   * Containers that are as they should be are not touched; of those that change, the old one stays until the new one is
   * ready. If anything fails, what was there before runs again, and nothing stays of what was not.
   *
   * @throws SprfError `INVALID_INPUT`, `WORKLOAD_IMAGE_NOT_FOUND`, `WORKLOAD_PORT_TAKEN` (before anything starts),
   * `WORKLOAD_INVALID` (cannot be started), `WORKLOAD_UNHEALTHY`
   */
  deploy(
    spec: WorkloadSpec,
    options?: Abortable & { readonly onProgress?: ((progress: DeployProgress) => void) | undefined },
  ): Promise<void>;
  /**
   * Stops serving and keeps the data, also when the engine restarts.
   *
   * @throws SprfError `WORKLOAD_NOT_FOUND`
   */
  pause(contractId: string, options?: Abortable): Promise<void>;
  /**
   * Serves again and waits until all is ready.
   *
   * @throws SprfError `WORKLOAD_NOT_FOUND`, `WORKLOAD_PORT_TAKEN`, `WORKLOAD_UNHEALTHY`
   */
  resume(contractId: string, options?: Abortable): Promise<void>;
  /** Removes all that belongs to the contract, data and secrets included; nothing happens when there is nothing. */
  remove(contractId: string, options?: Abortable): Promise<void>;
  /** All that this node has on the engine. */
  list(options?: Abortable): Promise<FoundDeployment[]>;
  /** @throws SprfError `WORKLOAD_NOT_FOUND` */
  status(contractId: string, options?: Abortable): Promise<ContainerStatus[]>;
  /**
   * Engines measure once a second: of many deployments, ask for all at once.
   *
   * @throws SprfError `WORKLOAD_NOT_FOUND`
   */
  usage(contractId: string, options?: Abortable): Promise<DeploymentUsage>;
  /**
   * Pauses deployments that take more disk than they may.
   *
   * @returns what was over its limit, by contract
   */
  stopOverfull(options?: Abortable): Promise<{ readonly contractId: string; readonly disk: readonly DiskUsage[] }[]>;
  /** @throws SprfError `WORKLOAD_NOT_FOUND` (nothing of that name, also while iterating) */
  logs(contractId: string, container: string, options?: LogOptions): AsyncIterable<LogEntry>;
  /**
   * Fetches an image unless it is here.
   *
   * @throws SprfError `WORKLOAD_IMAGE_NOT_FOUND`
   */
  pull(
    image: string,
    options?: Abortable & { readonly onProgress?: ((progress: { done: number; total: number }) => void) | undefined },
  ): Promise<void>;
  /** Whether the image is here. */
  hasImage(image: string, options?: Abortable): Promise<boolean>;
}
