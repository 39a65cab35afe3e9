import type { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];

/** Deploys the channels' contracts in the order in which they need each other. Times are parameters of the module. */
export function channelContracts(m: Builder, unbondingSeconds: bigint, answerSeconds: number) {
  const pool = m.contract("StakingPool", [m.getParameter("unbondingSeconds", unbondingSeconds)]);
  const store = m.contract("ChannelStore");
  const vault = m.contract("ChannelVault");
  const libraries = {
    ChannelOpenings: m.library("ChannelOpenings"),
    ChannelMembership: m.library("ChannelMembership"),
    ChannelProposals: m.library("ChannelProposals"),
    ChannelClaims: m.library("ChannelClaims"),
    ChannelVerdicts: m.library("ChannelVerdicts"),
    ChannelViews: m.library("ChannelViews"),
    ChannelPresence: m.library("ChannelPresence"),
    ChannelFaults: m.library("ChannelFaults"),
    ChannelDemands: m.library("ChannelDemands"),
    ChannelExits: m.library("ChannelExits"),
  };
  const court = m.contract("ChannelCourt", [m.contract("ChannelReplay")]);
  const absence = m.contract("ChannelAbsence", [m.getParameter("answerSeconds", answerSeconds)]);
  const hub = m.contract("ChannelHub", [pool, store, vault, court, absence], { libraries });
  const watch = m.contract("ChannelWatch", [hub]);
  return { hub, pool, court, absence, watch };
}
