import { createCommand } from "./create-command.ts";
import { addDeploymentCommands } from "./grid-deployments.ts";
import { addFarmCommands, addNodeCommands } from "./grid-market.ts";
import { addMoneyCommands } from "./grid-money.ts";

const grid = createCommand(
  "npm run grid --",
  "Deploys workloads on nodes, shows and pays what they use, and runs farms. Shows what it costs before it pays.",
);

addDeploymentCommands(grid);
addMoneyCommands(grid);
addFarmCommands(grid);
addNodeCommands(grid);

await grid.parseAsync();
