import type { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];

/** Deploys the channels' contracts in the order in which they need each other. Times are parameters of the module. */
export function channelContracts(m: Builder, unbondingSeconds: bigint, answerSeconds: number) {
  const pool = m.contract("StakingPool", [m.getParameter("unbondingSeconds", unbondingSeconds)]);
  const store = m.contract("ChannelStore");
  const vault = m.contract("ChannelVault");
  const ChannelDelegations = m.library("ChannelDelegations");
  const libraries = {
    ChannelDelegations,
    ChannelOpenings: m.library("ChannelOpenings"),
    ChannelMembership: m.library("ChannelMembership", { libraries: { ChannelDelegations } }),
    ChannelProposals: m.library("ChannelProposals", { libraries: { ChannelDelegations } }),
    ChannelClaims: m.library("ChannelClaims"),
    ChannelVerdicts: m.library("ChannelVerdicts", { libraries: { ChannelDelegations } }),
    ChannelViews: m.library("ChannelViews", { libraries: { ChannelDelegations } }),
    ChannelPresence: m.library("ChannelPresence", { libraries: { ChannelDelegations } }),
    ChannelFaults: m.library("ChannelFaults", { libraries: { ChannelDelegations } }),
    ChannelDemands: m.library("ChannelDemands"),
    ChannelExits: m.library("ChannelExits", { libraries: { ChannelDelegations } }),
  };
  const court = m.contract("ChannelCourt", [m.contract("ChannelReplay")]);
  const absence = m.contract("ChannelAbsence", [m.getParameter("answerSeconds", answerSeconds)]);
  const hub = m.contract("ChannelHub", [pool, store, vault, court, absence], { libraries });
  const watch = m.contract("ChannelWatch", [hub]);
  return { hub, pool, court, absence, watch };
}
