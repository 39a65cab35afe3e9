import type { z } from "zod";

import { WORKLOAD_SALT_BYTES } from "../limits.ts";
import { workloadSchema } from "../workload.ts";
import { convertFile, type FilePath, type WorkloadDraft } from "./convert.ts";
import { refuseKey } from "./hints.ts";
import { workloadFileSchema, type FileContent } from "./schema.ts";
import { readYaml, type FileProblem } from "./source.ts";

const MAX_PROBLEMS = 50;

/** Where the value of a secret is on the user's machine. */
export interface SecretSource {
  readonly name: string;
  readonly kind: "environment" | "file";
  /** A variable's name, or a path. */
  readonly from: string;
}

/** What a workload file says. */
export interface WorkloadFile {
  readonly name?: string | undefined;
  readonly draft: WorkloadDraft;
  readonly secrets: readonly SecretSource[];
}

export type ReadWorkloadFile =
  | { readonly kind: "file"; readonly file: WorkloadFile }
  | { readonly kind: "problems"; readonly problems: readonly FileProblem[] };

/**
 * The workload in a file that follows the Compose specification as far as a node can do what it says. Whatever it does not know it
 * refuses, with the line: nothing is ignored. Never throws.
 */
export function readWorkloadFile(text: string): ReadWorkloadFile {
  const source = readYaml(text);
  if (!("value" in source)) return { kind: "problems", problems: source.slice(0, MAX_PROBLEMS) };
  const problems: FileProblem[] = [];
  const complain = (path: FilePath, message: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(source.problemAt(path, message));
  };
  const value = withDollars(source.value, [], complain);
  const parsed = workloadFileSchema.safeParse(value ?? {});
  if (!parsed.success) {
    for (const issue of parsed.error.issues) complainOf(issue, complain);
    return { kind: "problems", problems: byLine(problems) };
  }
  const draft = convertFile(parsed.data, complain);
  checkSecrets(parsed.data, complain);
  // What the file's schema cannot say: whether the parts fit each other.
  if (problems.length === 0) {
    const hasSecrets = draft.containers.some(({ secrets }) => secrets.length > 0);
    const whole = workloadSchema.safeParse({
      ...draft,
      salt: new Uint8Array(WORKLOAD_SALT_BYTES),
      ...(hasSecrets ? { secretsHash: new Uint8Array(32) } : {}),
    });
    for (const { path, message } of whole.error?.issues ?? []) complain(inFile(path, draft), message);
  }
  if (problems.length > 0) return { kind: "problems", problems: byLine(problems) };
  const { name, secrets = {} } = parsed.data;
  return {
    kind: "file",
    file: {
      ...(name === undefined ? {} : { name }),
      draft,
      secrets: Object.entries(secrets).map(([secret, from]) =>
        "file" in from
          ? { name: secret, kind: "file", from: from.file }
          : { name: secret, kind: "environment", from: from.environment },
      ),
    },
  };
}

/** Compose would put variables of the user's machine in; here `$$` is a dollar and everything else with one is refused. */
function withDollars(value: unknown, at: FilePath, complain: (path: FilePath, message: string) => void): unknown {
  if (typeof value === "string") {
    if (value.replaceAll("$$", "").includes("$")) {
      complain(at, "write $$ for a dollar sign: variables of your machine are not put in");
    }
    return value.replaceAll("$$", "$");
  }
  if (Array.isArray(value)) return value.map((item, index) => withDollars(item, [...at, index], complain));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withDollars(field, [...at, key], complain)]),
  );
}

function checkSecrets(
  { services = {}, secrets = {} }: FileContent,
  complain: (path: FilePath, text: string) => void,
): void {
  const used = new Set<string>();
  for (const [name, service] of Object.entries(services)) {
    for (const [variable, secret] of Object.entries(service["x-sprf-secrets"] ?? {})) {
      used.add(secret);
      if (Object.hasOwn(secrets, secret)) continue;
      complain(["services", name, "x-sprf-secrets", variable], `there is no secret ${secret}`);
    }
  }
  for (const secret of Object.keys(secrets)) {
    if (!used.has(secret)) complain(["secrets", secret], `no service uses the secret ${secret}`);
  }
}

function complainOf(issue: z.core.$ZodIssue, complain: (path: FilePath, message: string) => void): void {
  const path = issue.path.map((segment) => (typeof segment === "symbol" ? "" : segment));
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) complain([...path, key], refuseKey(key));
    return;
  }
  const inner = innerIssues(issue);
  if (inner === undefined) return complain(path, issue.message);
  for (const each of inner) complainOf({ ...each, path: [...path, ...each.path] }, complain);
}

/** What is wrong within, where that says more: of the forms that a value may have, the one that was meant. */
function innerIssues(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] | undefined {
  if (issue.code === "invalid_key") return issue.issues;
  if (issue.code !== "invalid_union") return undefined;
  const isWithin = ({ path, code }: z.core.$ZodIssue): boolean =>
    path.length > 0 || code === "unrecognized_keys" || code === "custom";
  return issue.errors.find((issues) => issues.some(isWithin));
}

/** The fields of a container and where a file says them. */
const IN_SERVICE: Readonly<Record<string, FilePath>> = {
  mounts: ["volumes"],
  secrets: ["x-sprf-secrets"],
  health: ["healthcheck"],
  cpuMillicores: ["deploy", "resources", "limits", "cpus"],
  memoryBytes: ["deploy", "resources", "limits", "memory"],
};

/** The place in the file of a place in the workload. */
function inFile(path: readonly PropertyKey[], { containers, volumes }: WorkloadDraft): FilePath {
  const [head, index, field, ...rest] = path.map((segment) => (typeof segment === "symbol" ? "" : segment));
  if (head === "publicIps") return ["x-sprf", "public_ips"];
  if (head === "limits") return ["x-sprf"];
  if (head === "volumes") return ["volumes", volumes[Number(index)]?.name ?? ""];
  if (head !== "containers") return [];
  const service = ["services", containers[Number(index)]?.name ?? ""];
  if (field === undefined || field === "name") return service;
  return [...service, ...(IN_SERVICE[field] ?? [field]), ...rest];
}

function byLine(problems: readonly FileProblem[]): readonly FileProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
