import type { WorkloadContainer } from "../container.ts";
import type { Workload } from "../workload.ts";
import { parsePort, parseVolumeMount } from "./parse-short-forms.ts";
import type { FileContent, FileService } from "./schema.ts";
import { parseBytes, parseDurationMs, parseMillicores, parseWhole } from "./units.ts";

/** What a node may bill for traffic in an hour when a file does not say. */
const DEFAULT_TRAFFIC_BYTES_PER_HOUR = 10n * 1_024n ** 3n;
const SHELL = ["/bin/sh", "-c"];

export type FilePath = readonly (string | number)[];

/** Says what is wrong at a place of the file. */
export type Complain = (path: FilePath, message: string) => void;

/** All of a workload but what is drawn or known when it is deployed. */
export type WorkloadDraft = Omit<Workload, "salt" | "secretsHash">;

/** The workload that a file describes. What cannot be converted is complained of and left out. */
export function convertFile(content: FileContent, complain: Complain): WorkloadDraft {
  const extras = content["x-sprf"] ?? {};
  const services = Object.entries(content.services ?? {});
  const containers = services.map(([name, service]) => containerOf(name, service, complain));
  const volumes = Object.entries(content.volumes ?? {}).map(([name, { driver_opts: options }]) => ({
    name,
    sizeBytes: bytesOr(options.size, ["volumes", name, "driver_opts", "size"], complain),
    disk: options.disk ?? ("ssd" as const),
  }));
  const onDisk = (wanted: "ssd" | "hdd"): bigint =>
    volumes.reduce((sum, { disk, sizeBytes }) => (disk === wanted ? sum + sizeBytes : sum), 0n);
  const { public_ips: publicIps = 0, traffic_per_hour: traffic } = extras;
  return {
    version: 1,
    containers,
    volumes,
    publicIps: wholeOr(publicIps, ["x-sprf", "public_ips"], complain),
    limits: {
      cruCores: Math.ceil(containers.reduce((sum, { cpuMillicores }) => sum + cpuMillicores, 0) / 1_000),
      sruBytes: onDisk("ssd"),
      hruBytes: onDisk("hdd"),
      mruBytes: containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0n),
      nruBytesPerHour:
        traffic === undefined
          ? DEFAULT_TRAFFIC_BYTES_PER_HOUR
          : bytesOr(traffic, ["x-sprf", "traffic_per_hour"], complain),
    },
  };
}

function containerOf(name: string, service: FileService, complain: Complain): WorkloadContainer {
  const at = ["services", name];
  const { cpus, memory } = service.deploy.resources.limits;
  const limitsAt = [...at, "deploy", "resources", "limits"];
  const millicores = parseMillicores(`${cpus}`);
  if (millicores === undefined) complain([...limitsAt, "cpus"], "expected cores such as 0.5, to the thousandth");
  const health = service.healthcheck && healthOf(service.healthcheck, [...at, "healthcheck"], complain);
  return {
    name,
    image: service.image,
    ...(service.entrypoint === undefined ? {} : { entrypoint: service.entrypoint }),
    command: service.command ?? [],
    environment: environmentOf(service.environment, [...at, "environment"], complain),
    cpuMillicores: millicores ?? 1_000,
    memoryBytes: bytesOr(memory, [...limitsAt, "memory"], complain),
    mounts: (service.volumes ?? []).flatMap((mount, index) =>
      present(parseVolumeMount(mount), [...at, "volumes", index], complain),
    ),
    ports: (service.ports ?? []).flatMap((port, index) => present(parsePort(port), [...at, "ports", index], complain)),
    secrets: Object.entries(service["x-sprf-secrets"] ?? {}).map(([variable, secret]) => ({ secret, variable })),
    restart: service.restart === "unless-stopped" ? "always" : (service.restart ?? "no"),
    ...(health === undefined ? {} : { health }),
    ...(service.user === undefined ? {} : { user: `${service.user}` }),
  };
}

function environmentOf(
  environment: FileService["environment"],
  at: FilePath,
  complain: Complain,
): WorkloadContainer["environment"] {
  if (!Array.isArray(environment)) {
    return Object.fromEntries(Object.entries(environment ?? {}).map(([name, value]) => [name, `${value}`]));
  }
  const variables = new Map<string, string>();
  for (const [index, line] of environment.entries()) {
    const end = line.indexOf("=");
    const name = line.slice(0, end);
    if (variables.has(name)) complain([...at, index], `${name} is there twice`);
    if (name === "__proto__") complain([...at, index], "a variable cannot be named __proto__");
    variables.set(name, line.slice(end + 1));
  }
  return Object.fromEntries(variables);
}

type Healthcheck = NonNullable<FileService["healthcheck"]>;

function healthOf(check: Healthcheck, at: FilePath, complain: Complain): WorkloadContainer["health"] {
  const duration = (name: "interval" | "timeout" | "start_period", fallback: string): number => {
    const parsed = parseDurationMs(check[name] ?? fallback);
    if (parsed === undefined) complain([...at, name], "expected a duration such as 1m30s");
    return parsed ?? 1_000;
  };
  return {
    command: commandOf(check.test, [...at, "test"], complain),
    intervalMs: duration("interval", "30s"),
    timeoutMs: duration("timeout", "30s"),
    retries: check.retries === undefined ? 3 : wholeOr(check.retries, [...at, "retries"], complain),
    startPeriodMs: duration("start_period", "0s"),
  };
}

function commandOf(test: Healthcheck["test"], at: FilePath, complain: Complain): string[] {
  if (typeof test === "string") return [...SHELL, test];
  const [form, ...rest] = test;
  if (form === "CMD" && rest.length > 0) return rest;
  if (form === "CMD-SHELL" && rest.length === 1) return [...SHELL, ...rest];
  complain(at, form === "NONE" ? "leave out healthcheck" : "expected CMD and a command, or CMD-SHELL and a line");
  return ["true"];
}

function bytesOr(value: string | number, at: FilePath, complain: Complain): bigint {
  const parsed = parseBytes(`${value}`);
  if (parsed === undefined) complain(at, "expected a size such as 512M or 10GiB");
  return parsed ?? 1n;
}

function wholeOr(value: string | number, at: FilePath, complain: Complain): number {
  const parsed = parseWhole(`${value}`);
  if (parsed === undefined) complain(at, "expected a whole number");
  return parsed ?? 1;
}

/** A short form that was understood, or a complaint. */
function present<T extends object>(parsed: T | string, at: FilePath, complain: Complain): T[] {
  if (typeof parsed !== "string") return [parsed];
  complain(at, parsed);
  return [];
}
