import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { DEFAULT_GRID_TIMES } from "../../src/devnet/grid-settings.ts";
import { gridContracts } from "../grid-contracts.ts";
import Market from "./Market.ts";

/**
 * Deploys the market and the grid beside it, priced by a feed of the chain (Chainlink's interface). Two parameters have no
 * default: `priceFeed`, and `treasury`, which the first policy's share goes to.
 */
// Ignition takes a module from its file's default export only.
export default buildModule("Grid", (m) => {
  const market = m.useModule(Market);
  const grid = gridContracts(m, {
    twins: market.twins,
    feed: m.getParameter("priceFeed"),
    treasury: m.getParameter("treasury"),
    times: DEFAULT_GRID_TIMES,
  });
  return { ...market, ...grid };
});
