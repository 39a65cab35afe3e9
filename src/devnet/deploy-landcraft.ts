import { LandCraftProgram__factory } from "../../typechain-types/factories/apps/LandCraftProgram__factory.ts";
import { LandCraft__factory } from "../../typechain-types/factories/apps/LandCraft__factory.ts";
import { World__factory } from "../../typechain-types/factories/apps/World__factory.ts";
import { ChannelHub__factory } from "../../typechain-types/factories/channels/ChannelHub__factory.ts";
import { parseLand } from "../domain/landcraft/land-map.ts";
import { devnetKeys } from "./accounts.ts";
import type { Call, Deploy } from "./deployer.ts";
import { DEVNET_LANDS } from "./lands.ts";

/** Deploys a world with its lands, and the app LandCraft, which may take them out. Resolves with the app's address. */
export async function deployLandCraft(
  { deploy, call }: { readonly deploy: Deploy; readonly call: Call },
  hub: string,
): Promise<string> {
  const program = await deploy(await new LandCraftProgram__factory().getDeployTransaction());
  const registered = ChannelHub__factory.createInterface().encodeFunctionData("registerProgram", [program]);
  await call({ to: hub, data: registered });
  const world = await deploy(await new World__factory().getDeployTransaction());
  const land = await deploy(await new LandCraft__factory().getDeployTransaction(hub, program, world));
  const asOwner = World__factory.createInterface();
  await call({ to: world, data: asOwner.encodeFunctionData("appoint", [land, true]) });
  for (const { name, lord, text } of DEVNET_LANDS) {
    const data = asOwner.encodeFunctionData("found", [devnetKeys(lord).account, name, [...parseLand(text)]]);
    await call({ to: world, data });
  }
  return land;
}
