import { judgeProbe, type WatchState, type WatchVerdict } from "../../domain/grid/watch.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import type { Prober } from "../../ports/prober.ts";
import { cancelOnChain } from "./cancel.ts";
import type { GridUser } from "./grid-user.ts";
import { ownContracts } from "./own-contracts.ts";
import { readData, readStatus } from "./status.ts";

const CONNECT_TIMEOUT_MS = 5_000;

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly everyMs: number;
  /** Cancels a deployment that was dead at every probe for so long. Absent: it only says so. */
  readonly cancelAfterMs?: number | undefined;
  /** How long a node may take to answer. */
  readonly answerTimeoutMs?: number | undefined;
}

/** What one round of probes found of one deployment. */
export type WatchReport = WatchVerdict & { readonly isCancelled: boolean };

/**
 * Probes the user's deployments round after round until it is aborted: whether the node says that they run, and whether their TCP
 * ports on public IPs answer. A node that is dead bills nothing, so this is about noticing, and about freeing names and IPs.
 */
export async function* watch(
  user: GridUser & { readonly prober: Prober },
  options: WatchOptions,
): AsyncGenerator<readonly WatchReport[]> {
  const { clock } = user;
  const { signal } = options;
  let state: WatchState = new Map();
  for (;;) {
    const contracts = (await ownContracts(user, { signal })).filter(
      // Before the node confirmed and while the user is out of funds, nothing has to answer.
      ({ kind, state: now }) => kind === "node" && now === "deployed",
    );
    const probes = await Promise.all(
      contracts.map(async (contract) => ({ contract, faults: await faultsOf(user, contract, options) })),
    );
    const reports: WatchReport[] = [];
    for (const { contract, faults } of probes) {
      const { contractId } = contract;
      const judged = judgeProbe(state, { contractId, atMs: clock.now(), faults }, options);
      ({ state } = judged);
      const { verdict } = judged;
      const isToCancel = verdict.kind === "dead" && verdict.isToCancel;
      // Whoever is dead need not be told, and whoever is not sees it on the chain.
      if (isToCancel) await cancelOnChain(user, contractId, { signal });
      reports.push({ ...verdict, isCancelled: isToCancel });
    }
    yield reports;
    await clock.sleep(options.everyMs, { signal });
  }
}

async function faultsOf(
  user: GridUser & { readonly prober: Prober },
  contract: GridContract,
  { signal, answerTimeoutMs }: WatchOptions,
): Promise<readonly string[]> {
  const [{ node, problem }, ports] = await Promise.all([
    readStatus(user, contract, { signal, timeoutMs: answerTimeoutMs }),
    deadPorts(user, contract, signal),
  ]);
  if (node === undefined) return [problem ?? "the node does not answer", ...ports];
  const faults = node.state === "running" ? [] : [`the node says that it is ${node.state}`];
  for (const { name, state, health } of node.containers) {
    if (state !== "running") faults.push(`${name} is ${state}`);
    else if (health === "unhealthy") faults.push(`${name} is unhealthy`);
  }
  return [...faults, ...ports];
}

/** Only ports on public IPs have an address that the user knows. */
async function deadPorts(
  user: GridUser & { readonly prober: Prober },
  contract: GridContract,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const opened = await readData(user, contract, { signal });
  if (opened.kind === "problem") return [];
  const ports = opened.data.workload.containers.flatMap((container) => container.ports);
  const checks = ports.map(async ({ address, hostPort, protocol }) => {
    const ip = typeof address === "number" ? contract.publicIps[address]?.ip : undefined;
    if (ip === undefined || protocol !== "tcp") return [];
    const connects = await user.prober.connects(ip, hostPort, { timeoutMs: CONNECT_TIMEOUT_MS, signal });
    return connects ? [] : [`nothing answers at ${ip}, port ${hostPort}`];
  });
  return (await Promise.all(checks)).flat();
}
