import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Command } from "commander";

import { readSecretValues } from "../config/secret-values.ts";
import type { RecoveredContract } from "../client/grid/recover.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { GridContract } from "../ports/grid-contracts.ts";
import type { DeploymentData } from "../wire/grid/deployment-data.ts";
import { readWorkloadFile, type WorkloadFile } from "../wire/grid/file/read-workload-file.ts";
import { writeWorkloadFile } from "../wire/grid/file/write-workload-file.ts";
import { confirm } from "./confirm.ts";
import { gridCommand, idOf, withGrid, withGridOnChain, type GridOptions, type GridSession } from "./grid-session.ts";
import { printJson, printQuote, stateText, stepText, timeText } from "./grid-views.ts";
import { createProgress } from "./progress.ts";
import { formatRows } from "./text-table.ts";

const MAX_SHOWN_PROBLEMS = 10;
const MS_PER_SECOND = 1_000;
const MAX_TAIL_LINES = 10_000;

interface TimeoutOptions {
  readonly timeout: string;
}

/** Commands about deployments. */
export function addDeploymentCommands(grid: Command): void {
  gridCommand(grid, "deploy <file>", "Runs what a workload file (a Compose file, docs/spec/workload-file.md) says.")
    .option("--node <id>", "on this node (default: the cheapest that can take it)")
    .option("--timeout <seconds>", "until the node has to run it; then it is cancelled", "600")
    .option("--quote", "only say what it costs", false)
    .action(async (path: string, options: GridOptions & TimeoutOptions & { node?: string; quote: boolean }) => {
      const node = options.node === undefined ? {} : { nodeId: idOf("--node", options.node) };
      if (options.quote) {
        await withGridOnChain(options, async (session, signal) => {
          const { draft } = await fileOf(path);
          const quote = await session.quote(draft, { ...node, signal });
          if (options.json) printJson({ quote });
          else printQuote(quote);
        });
      } else await withGrid(options, async (session) => await deploy(session, path, { ...options, ...node }));
    });

  gridCommand(grid, "update <contract> <file>", "Runs what the file says in place of what the contract ran before.")
    .option("--timeout <seconds>", "until the node has to run it", "600")
    .action(async (id: string, path: string, options: GridOptions & TimeoutOptions) => {
      await withGrid(options, async ({ grid: client, signal }) => {
        const report = createProgress(options);
        const { request } = await requestOf(path);
        const contract = await client.update(idOf("contract", id), request, {
          signal,
          timeoutMs: timeoutOf(options),
          onStep: (step) => report(stepText(step)),
        });
        report(`contract ${contract.contractId} runs the new deployment`, { state: contract.state });
      });
    });

  gridCommand(grid, "status [contract]", "What runs, on the chain and at its node.")
    .option("--all", "those that are over too", false)
    .action(async (id: string | undefined, options: GridOptions & { readonly all: boolean }) => {
      await withGrid(options, async (session) => {
        await finish(session, options);
        await printStatus(session, { ...options, id });
      });
    });

  gridCommand(grid, "logs <contract> [container]", "What a container wrote.")
    .option("-f, --follow", "go on with what it writes later", false)
    .option("--tail <lines>", "how many lines of what is there", "100")
    .action(async (id: string, name: string | undefined, options: GridOptions & { follow: boolean; tail: string }) => {
      await withGrid(options, async ({ grid: client, signal }) => {
        const contract = await client.ownContract(idOf("contract", id), { signal });
        const opened = name === undefined ? await client.readData(contract, { signal }) : undefined;
        const container = name ?? (opened?.kind === "data" ? opened.data.workload.containers[0]?.name : undefined);
        if (container === undefined) throw new SprfError("INVALID_INPUT", "say which container");
        const tailLines = idOf("--tail", options.tail);
        if (tailLines > MAX_TAIL_LINES) throw new SprfError("INVALID_INPUT", `--tail: at most ${MAX_TAIL_LINES}`);
        const what = { container, follow: options.follow, tailLines };
        for await (const { stream, atMs, bytes } of client.logs(contract, what, { signal })) {
          if (options.json) printJson({ stream, atMs, text: Buffer.from(bytes).toString() });
          else (stream === "stderr" ? process.stderr : process.stdout).write(bytes);
        }
      });
    });

  gridCommand(grid, "cancel <contract>", "Ends a contract: it costs nothing more from now on.").action(
    async (id: string, options: GridOptions) => {
      await withGrid(options, async ({ grid: client, signal }) => {
        const contractId = idOf("contract", id);
        const { wasOver, isStopped } = await client.cancel(contractId, { signal });
        if (options.json) printJson({ contractId, wasOver, isStopped });
        else {
          const node = isStopped ? "" : "; its node did not answer and stops by itself when it sees that";
          console.log(`contract ${contractId} ${wasOver ? "was over already" : "is cancelled"}${node}`);
        }
      });
    },
  );

  gridCommand(grid, "recover", "Gets all deployments back from the chain, and to nodes that lost them.")
    .option("--out <path>", "where workload files and secrets are written", "recovered")
    .action(async (options: GridOptions & { readonly out: string }) => {
      await withGrid(options, async (session) => await recoverAll(session, options));
    });

  gridCommand(grid, "watch", "Probes deployments until Ctrl-C.")
    .option("--every <seconds>", "between rounds", "60")
    .option("--cancel-after <seconds>", "cancels what was dead in every round for so long (default: nothing)")
    .option("--rounds <number>", "ends after so many (default: never)")
    .action(async (options: GridOptions & { every: string; cancelAfter?: string; rounds?: string }) => {
      await withGrid(options, async (session) => await watchAll(session, options));
    });
}

async function deploy(
  session: GridSession,
  path: string,
  options: GridOptions & TimeoutOptions & { readonly nodeId?: number },
): Promise<void> {
  const { grid, signal } = session;
  const { request: asked } = await requestOf(path);
  const request = { ...asked, nodeId: options.nodeId };
  await grid.ensureTwin({ signal });
  if (!(await grid.isBegun(request))) {
    const quote = await grid.quote(request.draft, { nodeId: options.nodeId, signal });
    if (options.json) printJson({ quote });
    else printQuote(quote);
    await confirm(options, signal);
  }
  const report = createProgress(options);
  const { contract, isResumed } = await grid.deploy(request, {
    signal,
    timeoutMs: timeoutOf(options),
    onStep: (step) => report(stepText(step)),
  });
  report(`contract ${contract.contractId} is ${contract.state}${isResumed ? "; it was begun before" : ""}`, {
    contract: `${contract.contractId}`,
    node: `${contract.nodeId ?? ""}`,
    ...(contract.publicIps.length === 0 ? {} : { publicIps: contract.publicIps.map(({ ip }) => ip).join(" ") }),
  });
}

/** What an earlier command began. */
async function finish({ grid, signal }: GridSession, options: GridOptions): Promise<void> {
  for (const { contract } of await grid.finishInterrupted({ signal })) {
    if (!options.json) console.error(`contract ${contract.contractId}: an interrupted deployment was finished`);
  }
}

async function printStatus(
  { grid, signal }: GridSession,
  { id, all, json }: GridOptions & { readonly all: boolean; readonly id: string | undefined },
): Promise<void> {
  const contracts =
    id === undefined
      ? (await grid.ownContracts({ signal })).filter(({ state }) => all || state !== "deleted")
      : [await grid.ownContract(idOf("contract", id), { signal })];
  const found = await Promise.all(
    contracts.map(async (contract) => {
      const status = await grid.status(contract, { signal });
      const opened = contract.kind === "node" ? await grid.readData(contract, { signal }) : undefined;
      const name = opened?.kind === "data" ? opened.data.name : contract.name;
      return { ...status, ...(name === undefined ? {} : { name }) };
    }),
  );
  if (json) {
    for (const { contract, node, problem, name } of found) {
      const { state = "silent", containers = [] } = node ?? {};
      printJson({ name, contract, node: { state, containers, problem } });
    }
    return;
  }
  const rows = found.flatMap(({ contract, node, problem, name }) => {
    const first = [
      String(contract.contractId),
      contract.kind,
      name ?? "",
      stateText(contract),
      String(contract.nodeId ?? ""),
    ];
    const says = node?.state ?? (problem === undefined ? "" : "silent");
    const ips = contract.publicIps.map(({ ip }) => ip).join(" ");
    const containers = (node?.containers ?? []).map(({ name: container, state, health, restarts }) => [
      "",
      "",
      `  ${container}`,
      state,
      "",
      health === "none" ? "" : health,
      restarts === 0 ? "" : `restarted ${restarts} times`,
    ]);
    return [[...first, says, ips], ...containers];
  });
  console.log(formatRows(["contract", "kind", "name", "state", "node", "node says", "public IPs"], rows));
  for (const { contract, problem } of found) {
    if (problem === undefined) continue;
    const { contractId, billedUntil } = contract;
    const bill =
      billedUntil === undefined ? "no bill runs" : `unless it reports, the bill stops ${timeText(billedUntil)}`;
    console.error(`contract ${contractId}: ${problem} Try again later; ${bill}`);
  }
}

async function recoverAll(
  { grid, signal }: GridSession,
  options: GridOptions & { readonly out: string },
): Promise<void> {
  const report = createProgress(options);
  for await (const { contract, data, problem, node, detail } of grid.recover({ signal })) {
    const { contractId, kind } = contract;
    if (data === undefined) {
      report(
        `contract ${contractId} (${kind}): ${problem === undefined ? "nothing to restore" : `no data: ${problem}`}`,
      );
      continue;
    }
    const path = await keepDeployment(options.out, contractId, data);
    const words = `contract ${contractId}: ${nodeSays(node)}${detail === undefined ? "" : ` (${detail})`}${nextStep(contract, node, path)}`;
    report(words, { contract: `${contractId}`, file: path });
  }
}

function nodeSays(node: RecoveredContract["node"]): string {
  switch (node) {
    case "runs":
      return "runs";
    case "sent":
      return "sent to its node again and runs";
    case "paused":
      return "paused";
    case "unreachable":
      return "its node cannot be reached now";
    default:
      return "lost by its node";
  }
}

/** What a user does about a deployment whose node does not have it, or says nothing. */
function nextStep({ contractId, billedUntil }: GridContract, node: RecoveredContract["node"], path: string): string {
  if (node === "unreachable") {
    const bill =
      billedUntil === undefined ? "no bill runs" : `unless its node reports, the bill stops ${timeText(billedUntil)}`;
    return `; it is still yours: ${bill}. Try again later, or cancel ${contractId} and deploy ${path} on another node`;
  }
  return node === "lost" ? `; cancel ${contractId} and deploy ${path} on another node` : "";
}

/** A file that deploys it again, and its secrets beside it, which nobody else may read. */
async function keepDeployment(
  folder: string,
  contractId: number,
  { name, workload, secrets }: DeploymentData,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const secretFiles = new Map<string, string>();
  for (const [secret, value] of Object.entries(secrets?.values ?? {})) {
    const file = `contract-${contractId}.${secret}.secret`;
    await writeFile(join(folder, file), value, { mode: 0o600 });
    secretFiles.set(secret, file);
  }
  const path = join(folder, `contract-${contractId}.yaml`);
  await writeFile(path, writeWorkloadFile({ name, workload }, { secretFiles }));
  return path;
}

async function watchAll(
  { grid, signal }: GridSession,
  options: GridOptions & { readonly every: string; readonly cancelAfter?: string; readonly rounds?: string },
): Promise<void> {
  const everyMs = idOf("--every", options.every) * MS_PER_SECOND;
  const { cancelAfter, rounds } = options;
  const cancelAfterMs = cancelAfter === undefined ? undefined : idOf("--cancel-after", cancelAfter) * MS_PER_SECOND;
  let left = rounds === undefined ? Infinity : idOf("--rounds", rounds);
  const report = createProgress(options);
  for await (const reports of grid.watch({ signal, everyMs, cancelAfterMs })) {
    for (const each of reports) {
      const { contractId } = each;
      if (each.kind === "well") report(`contract ${contractId} is ${each.isBack ? "back" : "well"}`);
      else {
        const end = each.isCancelled ? "; it was cancelled" : "";
        report(`contract ${contractId} is dead for ${each.forMs / MS_PER_SECOND} s: ${each.faults.join("; ")}${end}`);
      }
    }
    if (reports.length === 0) report("no deployment runs");
    left -= 1;
    if (left <= 0) return;
  }
}

async function requestOf(path: string) {
  const { name, draft, secrets } = await fileOf(path);
  return { request: { name, draft, secretValues: await readSecretValues(secrets, dirname(path)) } };
}

async function fileOf(path: string): Promise<WorkloadFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const read = readWorkloadFile(text);
  if (read.kind === "file") return read.file;
  const lines = read.problems
    .slice(0, MAX_SHOWN_PROBLEMS)
    .map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
  throw new SprfError("WORKLOAD_FILE_INVALID", lines.join("\n"));
}

function timeoutOf({ timeout }: TimeoutOptions): number {
  return idOf("--timeout", timeout) * MS_PER_SECOND;
}
