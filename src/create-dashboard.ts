import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { systemClock } from "./adapters/clock/system.ts";
import { lockDirectory } from "./adapters/store/directory-lock.ts";
import { buildWebApp } from "./adapters/web-app/build.ts";
import { loadWebApp } from "./adapters/web-app/load.ts";
import { createMarketIndexer, type MarketIndexer, type MarketIndexerInit } from "./create-indexer.ts";
import { openChainSources, type ChainSourcesInit } from "./create-chain-sources.ts";
import { openProgramSource, type ProgramSourceInit } from "./create-program-source.ts";
import { programRoutes } from "./dashboard/program-routes.ts";
import { createFeed } from "./dashboard/feed.ts";
import { createMarketSources } from "./dashboard/market-sources.ts";
import { missingSource } from "./dashboard/topic-source.ts";
import { createDashboardServer } from "./dashboard/server.ts";
import type { ContractsView } from "./dashboard/views.ts";
import { isSprfError } from "./errors.ts";
import { startHttpServer } from "./worker/http/server.ts";

const NO_PROGRAMS = missingSource("the settings name no ledger (networks.ledger)");

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const APP = { root: ROOT, app: "dashboard", cache: join(ROOT, "node_modules/.cache/sprf-dashboard") };

export interface DashboardInit extends Omit<MarketIndexerInit, "rebuild"> {
  /** With the grid and the channels, where there are any. */
  readonly chain: MarketIndexerInit["chain"] & ChainSourcesInit["chain"];
  /** Absent: there is nothing to show of programs. */
  readonly programs?: Pick<ProgramSourceInit, "ledger" | "engines" | "peers"> | undefined;
  readonly channels?: Omit<ChainSourcesInit, "chain"> | undefined;
  readonly http: {
    /** @default "127.0.0.1" */
    readonly host?: string;
    /** @default 0, a free one */
    readonly port?: number;
    /** Names beside the machine's own under which it is asked for. */
    readonly allowedHosts?: readonly string[];
  };
}

/** A running dashboard. */
export interface Dashboard {
  readonly url: string;
  /** Rejects when the index cannot go on, with what an indexer fails with; resolves when the dashboard is closed. */
  readonly ended: Promise<void>;
  /** Safe to repeat. */
  close(): Promise<void>;
}

interface Indexed {
  readonly indexer: MarketIndexer;
  readonly contracts: ContractsView;
}

/** Builds the app where it has changed, for an image that will have no development packages. @throws SprfError `DASHBOARD_UNAVAILABLE` */
export async function buildDashboard(): Promise<void> {
  await buildWebApp(APP);
}

/**
 * Indexes the market, builds the app where it has changed, and serves both.
 *
 * @throws SprfError `CHAIN_UNREACHABLE`, `DIRECTORY_IN_USE`, `DASHBOARD_UNAVAILABLE`, `CONFIG_INVALID` for an address that cannot
 * be listened on
 */
export async function createDashboard(
  init: DashboardInit,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Dashboard> {
  const { http, dataDirectory, logger } = init;
  const host = http.host ?? "127.0.0.1";
  const stopped = new AbortController();
  const closers: (() => Promise<void> | void)[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    stopped.abort();
    for (const close of closers.splice(0).reverse()) await close();
  };
  const close = async (): Promise<void> => await (closing ??= closeAll());
  try {
    const building = buildWebApp(APP);
    // Whoever fails first is told; this one may fail later.
    building.catch(() => undefined);
    const lock = await lockDirectory(dataDirectory);
    closers.push(() => lock.release());
    const { indexer, contracts } = await openIndexed(init, signal);
    closers.push(async () => await indexer.close());
    const ofChain = await openChainSources({ chain: init.chain, ...init.channels }, { signal });
    closers.push(() => ofChain.close());
    const programs =
      init.programs === undefined
        ? undefined
        : await openProgramSource({ ...init.programs, dataDirectory, logger }, { signal });
    if (programs !== undefined) closers.push(async () => await programs.close());
    const { nodes, node, channel } = ofChain;
    let isChainAway = false;
    const market = createMarketSources({ model: indexer.model, contracts, isChainAway: () => isChainAway });
    const sources = { ...market, nodes, node, channel, program: programs?.source ?? NO_PROGRAMS };
    const feed = createFeed({ sources, clock: systemClock, logger });
    const app = await loadWebApp(await building);
    const allowedHosts = [host, ...(http.allowedHosts ?? [])];
    const routes = programs === undefined ? undefined : programRoutes(programs.source);
    const server = createDashboardServer({ app, feed, logger }, { allowedHosts, routes });
    const listening = await startHttpServer(server, { host, port: http.port ?? 0 });
    closers.push(async () => {
      feed.close();
      await listening.close();
    });
    const following = indexer.follow({
      signal: stopped.signal,
      onProgress: () => feed.refresh(),
      onReachable(isReachable) {
        isChainAway = !isReachable;
        feed.refresh();
      },
    });
    closers.push(async () => await following.catch(() => undefined));
    following.catch(() => undefined);
    return { url: `http://${host.includes(":") ? `[${host}]` : host}:${listening.port}/`, ended: following, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An index at the head of the chain. It is made anew where it is of another market or form: nothing is lost by that. */
async function openIndexed(init: DashboardInit, signal: AbortSignal | undefined): Promise<Indexed> {
  try {
    return await openAs(init, false, signal);
  } catch (error) {
    if (!(isSprfError(error, "INDEX_INVALID") || isSprfError(error, "REORG_TOO_DEEP"))) throw error;
    init.logger.info("the index is made anew", { reason: error.message });
    return await openAs(init, true, signal);
  }
}

async function openAs(init: DashboardInit, rebuild: boolean, signal: AbortSignal | undefined): Promise<Indexed> {
  const indexer = await createMarketIndexer({ ...init, rebuild }, { signal });
  try {
    const { market } = await indexer.catchUp({ signal });
    const { dispatcher, testers, disputes, twins } = init.chain.contracts;
    return { indexer, contracts: { chainId: Number(market.split("/")[0]), dispatcher, testers, disputes, twins } };
  } catch (error) {
    await indexer.close();
    throw error;
  }
}
