import { ChatProgram__factory } from "../../typechain-types/factories/apps/ChatProgram__factory.ts";
import { Chat__factory } from "../../typechain-types/factories/apps/Chat__factory.ts";
import { DocumentEditor__factory } from "../../typechain-types/factories/apps/DocumentEditor__factory.ts";
import { DocumentProgram__factory } from "../../typechain-types/factories/apps/DocumentProgram__factory.ts";
import { ChannelHub__factory } from "../../typechain-types/factories/channels/ChannelHub__factory.ts";
import { ChannelAbsence__factory } from "../../typechain-types/factories/channels/ChannelAbsence__factory.ts";
import { ChannelCourt__factory } from "../../typechain-types/factories/channels/ChannelCourt__factory.ts";
import { ChannelReplay__factory } from "../../typechain-types/factories/channels/ChannelReplay__factory.ts";
import { ChannelStore__factory } from "../../typechain-types/factories/channels/ChannelStore__factory.ts";
import { ChannelWatch__factory } from "../../typechain-types/factories/channels/ChannelWatch__factory.ts";
import { ChannelVault__factory } from "../../typechain-types/factories/channels/ChannelVault__factory.ts";
import { StakingPool__factory } from "../../typechain-types/factories/channels/StakingPool__factory.ts";
import { ChannelClaims__factory } from "../../typechain-types/factories/libraries/ChannelClaims__factory.ts";
import { ChannelDelegations__factory } from "../../typechain-types/factories/libraries/ChannelDelegations__factory.ts";
import { ChannelDemands__factory } from "../../typechain-types/factories/libraries/ChannelDemands__factory.ts";
import { ChannelExits__factory } from "../../typechain-types/factories/libraries/ChannelExits__factory.ts";
import { ChannelFaults__factory } from "../../typechain-types/factories/libraries/ChannelFaults__factory.ts";
import { ChannelMembership__factory } from "../../typechain-types/factories/libraries/ChannelMembership__factory.ts";
import { ChannelOpenings__factory } from "../../typechain-types/factories/libraries/ChannelOpenings__factory.ts";
import { ChannelPresence__factory } from "../../typechain-types/factories/libraries/ChannelPresence__factory.ts";
import { ChannelProposals__factory } from "../../typechain-types/factories/libraries/ChannelProposals__factory.ts";
import { ChannelVerdicts__factory } from "../../typechain-types/factories/libraries/ChannelVerdicts__factory.ts";
import { ChannelViews__factory } from "../../typechain-types/factories/libraries/ChannelViews__factory.ts";
import type { ChannelAddresses } from "../adapters/chain/ethers.ts";
import { DEVNET_ANSWER_SECONDS, DEVNET_UNBONDING_SECONDS } from "./channel-settings.ts";
import { deployLandCraft } from "./deploy-landcraft.ts";
import { asDevnetDeployer } from "./deployer.ts";

/** Deploys the channels' contracts and three apps with their programs from the first devnet account; they need no others. */
export async function deployDevnetChannels(
  rpcUrl: string,
  unbondingSeconds: bigint = DEVNET_UNBONDING_SECONDS,
): Promise<ChannelAddresses> {
  return await asDevnetDeployer(rpcUrl, async (deploy, _account, call) => {
    const pool = await deploy(await new StakingPool__factory().getDeployTransaction(unbondingSeconds));
    const store = await deploy(await new ChannelStore__factory().getDeployTransaction());
    const vault = await deploy(await new ChannelVault__factory().getDeployTransaction());
    const openings = await deploy(await new ChannelOpenings__factory().getDeployTransaction());
    const delegations = await deploy(await new ChannelDelegations__factory().getDeployTransaction());
    const withDelegations = { "project/contracts/libraries/ChannelDelegations.sol:ChannelDelegations": delegations };
    const membership = await deploy(await new ChannelMembership__factory(withDelegations).getDeployTransaction());
    const proposals = await deploy(await new ChannelProposals__factory(withDelegations).getDeployTransaction());
    const claims = await deploy(await new ChannelClaims__factory().getDeployTransaction());
    const verdicts = await deploy(await new ChannelVerdicts__factory(withDelegations).getDeployTransaction());
    const views = await deploy(await new ChannelViews__factory(withDelegations).getDeployTransaction());
    const replay = await deploy(await new ChannelReplay__factory().getDeployTransaction());
    const court = await deploy(await new ChannelCourt__factory().getDeployTransaction(replay));
    const presence = await deploy(await new ChannelPresence__factory(withDelegations).getDeployTransaction());
    const absence = await deploy(await new ChannelAbsence__factory().getDeployTransaction(DEVNET_ANSWER_SECONDS));
    const faults = await deploy(await new ChannelFaults__factory(withDelegations).getDeployTransaction());
    const demands = await deploy(await new ChannelDemands__factory().getDeployTransaction());
    const exits = await deploy(await new ChannelExits__factory(withDelegations).getDeployTransaction());
    const hub = await deploy(
      await new ChannelHub__factory({
        ...withDelegations,
        "project/contracts/libraries/ChannelOpenings.sol:ChannelOpenings": openings,
        "project/contracts/libraries/ChannelMembership.sol:ChannelMembership": membership,
        "project/contracts/libraries/ChannelProposals.sol:ChannelProposals": proposals,
        "project/contracts/libraries/ChannelClaims.sol:ChannelClaims": claims,
        "project/contracts/libraries/ChannelVerdicts.sol:ChannelVerdicts": verdicts,
        "project/contracts/libraries/ChannelViews.sol:ChannelViews": views,
        "project/contracts/libraries/ChannelPresence.sol:ChannelPresence": presence,
        "project/contracts/libraries/ChannelFaults.sol:ChannelFaults": faults,
        "project/contracts/libraries/ChannelDemands.sol:ChannelDemands": demands,
        "project/contracts/libraries/ChannelExits.sol:ChannelExits": exits,
      }).getDeployTransaction(pool, store, vault, court, absence),
    );
    const watch = await deploy(await new ChannelWatch__factory().getDeployTransaction(hub));
    const chatProgram = await deploy(await new ChatProgram__factory().getDeployTransaction());
    const documentProgram = await deploy(await new DocumentProgram__factory().getDeployTransaction());
    for (const program of [chatProgram, documentProgram]) {
      await call({
        to: hub,
        data: ChannelHub__factory.createInterface().encodeFunctionData("registerProgram", [program]),
      });
    }
    const chat = await deploy(await new Chat__factory().getDeployTransaction(hub, chatProgram));
    const editor = await deploy(await new DocumentEditor__factory().getDeployTransaction(hub, documentProgram));
    const land = await deployLandCraft({ deploy, call }, hub);
    return { hub, pool, court, watch, chat, editor, land };
  });
}
