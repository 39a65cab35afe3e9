import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { DEVNET_ETHER_PRICE, DEVNET_GRID_TIMES } from "../../src/devnet/grid-settings.ts";
import { gridContracts } from "../grid-contracts.ts";
import Market from "./Market.ts";

/** The same where no feed answers: an ether has one price for ever, and the deployer is the treasury. */
// Ignition takes a module from its file's default export only.
export default buildModule("DevnetGrid", (m) => {
  const market = m.useModule(Market);
  const { decimals, answer } = DEVNET_ETHER_PRICE;
  const grid = gridContracts(m, {
    twins: market.twins,
    feed: m.contract("FixedPriceFeed", [decimals, answer]),
    treasury: m.getAccount(0),
    times: DEVNET_GRID_TIMES,
  });
  return { ...market, ...grid };
});
