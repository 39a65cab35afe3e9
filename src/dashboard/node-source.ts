import { findNode, listNodes } from "../client/grid/nodes.ts";
import { billOf, type ContractBill } from "../domain/grid/bill.ts";
import { weiPerHourOfRate } from "../domain/grid/money.ts";
import type { NodeOffer } from "../domain/grid/choose-node.ts";
import { SprfError } from "../errors.ts";
import type { Chain } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { CountedReport, GridContract, GridContracts } from "../ports/grid-contracts.ts";
import type { EtherPrice, GridQuotes } from "../ports/grid-quotes.ts";
import type { GridRegistry, GridResources } from "../ports/grid-registry.ts";
import type {
  DeploymentView,
  NodeSummary,
  NodeView,
  NodesView,
  PayerView,
  ResourcesView,
  UsagePoint,
} from "./node-types.ts";
import { viewsByLooking, type TopicSource } from "./topic-source.ts";

/** Contracts of a node that are shown. */
const MAX_SHOWN = 50;
/** Reports that are shown, of all of these. */
const MAX_REPORTS = 2_000;
/** Points of one chart. */
const MAX_POINTS = 240;
/** Blocks that another chain may still put in the place of what was read. */
const UNSURE_BLOCKS = 12;
const DEFAULT_LOOK_MS = 3_000;

export interface NodeSourceParts {
  readonly chain: Pick<Chain, "account" | "twin" | "twinOf" | "blockNumber">;
  readonly registry: GridRegistry;
  readonly contracts: GridContracts;
  readonly quotes: Pick<GridQuotes, "etherPrice">;
  readonly clock: Clock;
  /** How often the chain is asked whether there is a new block. @default 3,000 */
  readonly lookMs?: number | undefined;
}

/** The grid's nodes as the dashboard shows them, from the chain alone. */
export function createNodeSources(parts: NodeSourceParts): {
  readonly nodes: TopicSource<NodesView>;
  readonly node: TopicSource<NodeView>;
} {
  const { chain, clock, lookMs: everyMs = DEFAULT_LOOK_MS } = parts;

  /** Nothing but a block changes what the chain says. */
  function perBlock<View>(read: (block: number) => Promise<View>, signal: AbortSignal): () => Promise<View> {
    let last: { readonly block: number; readonly view: View } | undefined;
    return async () => {
      const block = await chain.blockNumber({ signal });
      if (last?.block !== block) last = { block, view: await read(block) };
      return last.view;
    };
  }

  return {
    nodes: {
      async *views(_, { signal }) {
        const read = async (): Promise<NodesView> => ({ nodes: (await listNodes(parts, { signal })).map(summaryOf) });
        yield* viewsByLooking(perBlock(read, signal), { clock, everyMs, signal });
      },
    },
    node: {
      async *views(id, { signal }) {
        const nodeId = nodeOf(id);
        const usage = createUsage(parts.contracts);
        const found = createContractsOnNode(parts.contracts, nodeId);
        const read = async (block: number): Promise<NodeView> => {
          const offer = await findNode(parts, nodeId, { signal });
          if (offer === undefined) throw new SprfError("NO_NODE", `there is no node ${nodeId}`);
          const all = await found.upTo(block, signal);
          const contracts = await shownOf(parts.contracts, all, signal);
          return await viewOf(parts, { offer, contracts, contractCount: all.length, usage, block }, signal);
        };
        yield* viewsByLooking(perBlock(read, signal), { clock, everyMs, signal });
      },
    },
  };
}

function nodeOf(id: string): number {
  if (/^[1-9]\d{0,8}$/.test(id)) return Number(id);
  throw new SprfError("INVALID_INPUT", "expected a node: a number from 1 on");
}

/** Contracts that were ever made on a node; looks for all of them once, and then for new ones. */
function createContractsOnNode(
  contracts: Pick<GridContracts, "contractsOnNode" | "changes" | "contract">,
  nodeId: number,
): { upTo(block: number, signal: AbortSignal): Promise<readonly number[]> } {
  const ids = new Set<number>();
  let seen: number | undefined;
  return {
    async upTo(block, signal) {
      if (seen === undefined) for (const id of await contracts.contractsOnNode(nodeId, { signal })) ids.add(id);
      else if (block > seen) {
        for (const change of await contracts.changes(seen + 1, block, { signal })) {
          if (change.kind !== "contract" || ids.has(change.contractId)) continue;
          const contract = await contracts.contract(change.contractId, { signal });
          if (contract?.nodeId === nodeId) ids.add(change.contractId);
        }
      }
      seen = block;
      return [...ids].toSorted((a, b) => a - b);
    },
  };
}

/** Those that are not over, and the newest of the others. */
async function shownOf(
  contracts: Pick<GridContracts, "statesOf" | "contract">,
  ids: readonly number[],
  signal: AbortSignal,
): Promise<readonly GridContract[]> {
  const states = await contracts.statesOf(ids, { signal });
  const isOver = (_: number, index: number): boolean => states[index] === "deleted";
  const live = ids.filter((id, index) => !isOver(id, index)).toReversed();
  const over = ids.filter(isOver).toReversed();
  const found = await Promise.all(
    [...live, ...over].slice(0, MAX_SHOWN).map(async (id) => await contracts.contract(id, { signal })),
  );
  return found.filter((contract) => contract !== undefined);
}

/** Reports of contracts, of which the chain is asked only for what it said since. */
function createUsage(contracts: Pick<GridContracts, "reports">): {
  of(
    ids: readonly number[],
    block: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, readonly CountedReport[]>>;
} {
  const byContract = new Map<number, readonly CountedReport[]>();
  let seen: number | undefined;
  return {
    async of(ids, block, signal) {
      const known = ids.filter((id) => byContract.has(id));
      const added = ids.filter((id) => !byContract.has(id));
      const fromBlock = Math.max(0, (seen ?? 0) - UNSURE_BLOCKS);
      const newer = known.length === 0 ? [] : await contracts.reports(known, { fromBlock, most: MAX_REPORTS, signal });
      const first = added.length === 0 ? [] : await contracts.reports(added, { most: MAX_REPORTS, signal });
      for (const id of known) {
        const before = (byContract.get(id) ?? []).filter((report) => report.block < fromBlock);
        byContract.set(id, [...before, ...newer.filter(({ contractId }) => contractId === id)].slice(-MAX_POINTS));
      }
      for (const id of added) {
        byContract.set(id, first.filter(({ contractId }) => contractId === id).slice(-MAX_POINTS));
      }
      seen = block;
      return byContract;
    },
  };
}

async function viewOf(
  { chain, contracts: grid, quotes }: NodeSourceParts,
  found: {
    readonly offer: NodeOffer;
    readonly contracts: readonly GridContract[];
    readonly contractCount: number;
    readonly usage: ReturnType<typeof createUsage>;
    readonly block: number;
  },
  signal: AbortSignal,
): Promise<NodeView> {
  const { offer, contracts, contractCount, usage, block } = found;
  const ids = contracts.map(({ contractId }) => contractId);
  const [price, nowSeconds, settledGrains] = await Promise.all([
    quotes.etherPrice({ signal }),
    grid.headSeconds({ signal }),
    grid.settledGrains(ids, { signal }),
  ]);
  // After the other look at events, which has found where they begin.
  const clippedReports = await grid.clippedReports(ids, { signal });
  const reports = await usage.of(ids, block, signal);
  const payers: PayerView[] = [];
  const bills = new Map<number, ContractBill>();
  const discounts = new Map<number, number>();
  for (const twinId of new Set(contracts.map(({ userTwinId }) => userTwinId))) {
    const own = contracts.filter(({ userTwinId }) => userTwinId === twinId);
    const account = await grid.account(twinId, { signal });
    const bill = billOf({ account, contracts: own, settledGrains, clippedReports, price });
    for (const each of bill.contracts) bills.set(each.contract.contractId, each);
    discounts.set(twinId, account.discountPercent);
    const twin = await chain.twin(twinId, { signal });
    const { balanceWei, discountPercent, fundedUntil, grace } = account;
    payers.push({
      twinId,
      ...(twin !== undefined && { account: twin.account.toLowerCase() }),
      balanceWei: balanceWei.toString(),
      discountPercent,
      weiPerHour: bill.weiPerHour.toString(),
      ...(fundedUntil !== undefined && { fundedUntil }),
      ...(grace !== undefined && {
        graceUntil: grace.untilSeconds,
        recoveryCostWei: grace.recoveryCostWei.toString(),
      }),
    });
  }
  const deployments = contracts.flatMap((contract): readonly DeploymentView[] => {
    const bill = bills.get(contract.contractId);
    const points = (reports.get(contract.contractId) ?? []).map((report) =>
      pointOf(report, discounts.get(contract.userTwinId) ?? 0, price),
    );
    return bill === undefined ? [] : [deploymentView(contract, bill, points)];
  });
  const sum = (amounts: readonly string[]): string =>
    amounts.reduce((total, each) => total + BigInt(each), 0n).toString();
  return {
    ...summaryOf(offer),
    account: offer.node.account.toLowerCase(),
    nowSeconds,
    deployments,
    contractCount,
    payers,
    costWei: sum(deployments.map(({ costWei }) => costWei)),
    weiPerHour: sum(deployments.map(({ weiPerHour }) => weiPerHour)),
  };
}

function summaryOf({ node, farmName, free, freePublicIps, rentContractId }: NodeOffer): NodeSummary {
  const { nodeId, farmId, status, location, resources, retiresAtSeconds } = node;
  return {
    nodeId,
    farmId,
    farmName,
    status: retiresAtSeconds === undefined ? status : "retired",
    country: location.country,
    city: location.city,
    total: resourcesView(resources),
    free: resourcesView(free),
    freePublicIps,
    isRented: rentContractId !== undefined,
  };
}

function resourcesView({ cruCores, mruBytes, sruBytes, hruBytes }: GridResources): ResourcesView {
  return {
    cruCores,
    mruBytes: mruBytes.toString(),
    sruBytes: sruBytes.toString(),
    hruBytes: hruBytes.toString(),
  };
}

function pointOf({ timestampSeconds, rate, used }: CountedReport, discount: number, price: EtherPrice): UsagePoint {
  return {
    atSeconds: timestampSeconds,
    weiPerHour: weiPerHourOfRate(rate, discount, price).toString(),
    ...(used !== undefined && { ...resourcesView(used), nruBytes: used.nruBytes.toString() }),
  };
}

function deploymentView(contract: GridContract, bill: ContractBill, usage: readonly UsagePoint[]): DeploymentView {
  const { contractId, kind, state, cause, userTwinId, publicIps, limits, createdAt, reportedAt, billedUntil } =
    contract;
  return {
    contractId,
    kind,
    state,
    ...(cause !== undefined && { cause }),
    userTwinId,
    publicIps: publicIps.map(({ ip }) => ip),
    limits: { ...resourcesView(limits), nruBytesPerHour: limits.nruBytesPerHour.toString() },
    createdAt,
    ...(reportedAt !== undefined && { reportedAt }),
    ...(billedUntil !== undefined && { billedUntil }),
    costWei: bill.costWei.toString(),
    weiPerHour: bill.weiPerHour.toString(),
    weiPerMonth: bill.weiPerMonth.toString(),
    clippedReports: bill.clippedReports,
    usage,
  };
}
