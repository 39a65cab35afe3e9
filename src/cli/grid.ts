import type { Command } from "commander";

import { addDeploymentCommands } from "./grid-deployments.ts";
import { addFarmCommands, addNodeCommands } from "./grid-market.ts";
import { addMoneyCommands } from "./grid-money.ts";

/** The commands of `sprf grid`. */
export function defineGrid(grid: Command): void {
  addDeploymentCommands(grid);
  addMoneyCommands(grid);
  addFarmCommands(grid);
  addNodeCommands(grid.command("node").description("Nodes: what is free on them, and one's own."));
}
