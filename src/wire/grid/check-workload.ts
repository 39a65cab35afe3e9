import type { PublishedPort, WorkloadContainer } from "./container.ts";

/** What of a workload its parts alone cannot tell right from wrong. */
export interface WorkloadParts {
  readonly containers: readonly WorkloadContainer[];
  readonly volumes: readonly { readonly name: string; readonly sizeBytes: bigint; readonly disk: "ssd" | "hdd" }[];
  readonly publicIps: number;
  readonly limits: {
    readonly cruCores: number;
    readonly sruBytes: bigint;
    readonly hruBytes: bigint;
    readonly mruBytes: bigint;
  };
}

/** Something wrong between parts of a workload, at the later one of them. */
export interface PartsIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is wrong between the parts of a workload; empty when nothing is. */
export function issuesBetween(workload: WorkloadParts): readonly PartsIssue[] {
  const { containers, volumes, publicIps } = workload;
  const issues: PartsIssue[] = [];
  if (containers.length === 0 && publicIps === 0) {
    issues.push({ path: ["containers"], message: "expected a container, or a public IP to reserve" });
  }
  issues.push(
    ...doubled(containers, ({ name }) => name, "containers", "name"),
    ...doubled(volumes, ({ name }) => name, "volumes", "name"),
    ...portIssues(workload),
    ...overLimits(workload),
  );
  for (const [index, container] of containers.entries()) issues.push(...containerIssues(container, index, workload));
  const mounted = new Set(containers.flatMap(({ mounts }) => mounts.map(({ volume }) => volume)));
  for (const [index, { name }] of volumes.entries()) {
    if (!mounted.has(name))
      issues.push({ path: ["volumes", index], message: `no container mounts the volume ${name}` });
  }
  return issues;
}

/** Whether two ports cannot be published by one node at a time. */
function isSamePort(a: PublishedPort, b: PublishedPort): boolean {
  return a.protocol === b.protocol && a.hostPort === b.hostPort && a.address === b.address;
}

function containerIssues(container: WorkloadContainer, index: number, { volumes }: WorkloadParts): PartsIssue[] {
  const at = ["containers", index] as const;
  const issues: PartsIssue[] = [];
  for (const [mount, { volume }] of container.mounts.entries()) {
    if (volumes.some(({ name }) => name === volume)) continue;
    issues.push({ path: [...at, "mounts", mount, "volume"], message: `there is no volume ${volume}` });
  }
  const paths = container.mounts.map(({ path }) => path);
  for (const [mount, path] of paths.entries()) {
    if (paths.slice(0, mount).some((other) => isWithin(path, other) || isWithin(other, path))) {
      issues.push({ path: [...at, "mounts", mount, "path"], message: `${path} overlaps another mount` });
    }
  }
  const variables = new Set(Object.keys(container.environment));
  for (const [item, use] of container.secrets.entries()) {
    if (variables.has(use.variable)) {
      issues.push({ path: [...at, "secrets", item], message: `the variable ${use.variable} has a value already` });
    }
    variables.add(use.variable);
  }
  return issues;
}

function portIssues({ containers, publicIps }: WorkloadParts): PartsIssue[] {
  const issues: PartsIssue[] = [];
  const before: PublishedPort[] = [];
  for (const [index, { ports }] of containers.entries()) {
    for (const [item, port] of ports.entries()) {
      const path = ["containers", index, "ports", item];
      if (typeof port.address === "number" && port.address >= publicIps) {
        issues.push({ path, message: `public IP ${port.address} of ${publicIps} reserved` });
      }
      if (before.some((other) => isSamePort(port, other))) {
        issues.push({ path, message: `port ${port.hostPort}/${port.protocol} is published twice` });
      }
      before.push(port);
    }
  }
  return issues;
}

/** What the containers may use together is what is paid for at most. */
function overLimits({ containers, volumes, limits }: WorkloadParts): PartsIssue[] {
  const onDisk = (wanted: "ssd" | "hdd"): bigint =>
    volumes.reduce((sum, { disk, sizeBytes }) => (disk === wanted ? sum + sizeBytes : sum), 0n);
  const needed = {
    // The chain knows whole cores only.
    cruCores: BigInt(Math.ceil(containers.reduce((sum, { cpuMillicores }) => sum + cpuMillicores, 0) / 1_000)),
    mruBytes: containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0n),
    sruBytes: onDisk("ssd"),
    hruBytes: onDisk("hdd"),
  };
  const names = ["cruCores", "mruBytes", "sruBytes", "hruBytes"] as const;
  return names
    .filter((name) => needed[name] > BigInt(limits[name]))
    .map((name) => ({ path: ["limits", name], message: `${limits[name]}, but its parts need ${needed[name]}` }));
}

function doubled<T>(items: readonly T[], keyOf: (item: T) => string, ...[list, field]: [string, string]): PartsIssue[] {
  return items.flatMap((item, index) =>
    items.slice(0, index).some((other) => keyOf(other) === keyOf(item))
      ? [{ path: [list, index, field], message: `${keyOf(item)} is there twice` }]
      : [],
  );
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
