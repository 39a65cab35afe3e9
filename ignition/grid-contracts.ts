import type { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { DEFAULT_GRID_PRICES, DEFAULT_GRID_SHARES, type GridTimes } from "../src/devnet/grid-settings.ts";
import type Market from "./modules/Market.ts";

type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];
/** A contract of a module, a parameter or an account. */
type Argument = (typeof Market)["results"]["twins"]["constructorArgs"][number];

/** What differs between chains. */
interface GridInit {
  readonly twins: Argument;
  readonly feed: Argument;
  /** Of the first policy. */
  readonly treasury: Argument;
  /** Defaults of the parameters of the same names. */
  readonly times: GridTimes;
}

/**
 * Deploys the grid in the order in which its contracts need each other. Every number is a parameter of the module, which the
 * contracts check against named bounds.
 */
export function gridContracts(m: Builder, { twins, feed, treasury, times }: GridInit) {
  const time = (name: keyof GridTimes): Argument => m.getParameter(name, times[name]);
  const registry = m.contract("GridRegistry", [
    twins,
    time("intervalSeconds"),
    {
      prices: m.getParameter("prices", DEFAULT_GRID_PRICES),
      shares: m.getParameter("shares", DEFAULT_GRID_SHARES),
      treasury,
    },
  ]);
  const prices = m.contract("PriceBook", [feed, time("maxAgeSeconds")]);
  const quotes = m.contract("GridQuotes", [registry]);
  const libraries = {
    GridOpenings: m.library("GridOpenings"),
    GridEndings: m.library("GridEndings"),
    GridReports: m.library("GridReports"),
  };
  const contracts = m.contract("GridContracts", [twins, registry, prices, time("graceSeconds"), time("graceShare")], {
    libraries,
  });
  return { registry, contracts, prices, quotes };
}
