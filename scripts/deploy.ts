// hardhat run scripts/deploy.ts --network <name>: deploys the market and writes down where it is.
import { network } from "hardhat";

import Market from "../ignition/modules/Market.ts";
import { DEVNET_FILE, adoptMarket } from "../src/config/devnet-file.ts";
import { writeDeployment } from "../src/config/deployment-file.ts";

const { ignition, ethers } = await network.create();
const { chainId } = await ethers.provider.getNetwork();
const deployed = await ignition.deploy(Market);
const contracts = {
  twins: await deployed.twins.getAddress(),
  dispatcher: await deployed.dispatcher.getAddress(),
  testers: await deployed.testers.getAddress(),
};
const file = await writeDeployment(chainId, contracts);
// Daemons and scripts that take their networks from a running devnet use this market from now on.
const adopted = await adoptMarket(DEVNET_FILE, contracts);

console.log(`deployed on chain ${chainId}`);
for (const [name, address] of Object.entries(contracts)) console.log(`  ${name.padEnd(11)} ${address}`);
console.log(`written to ${file}${adopted ? ` and to ${DEVNET_FILE}` : ""}`);
