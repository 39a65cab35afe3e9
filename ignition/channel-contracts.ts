import type { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];

/** Deploys the channels' contracts in the order in which they need each other. The pool's time is a parameter of the module. */
export function channelContracts(m: Builder, unbondingSeconds: bigint) {
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
    ChannelFaults: m.library("ChannelFaults", { libraries: { ChannelDelegations } }),
    ChannelDemands: m.library("ChannelDemands"),
    ChannelExits: m.library("ChannelExits", { libraries: { ChannelDelegations } }),
  };
  const court = m.contract("ChannelCourt", [m.contract("ChannelReplay")]);
  const hub = m.contract("ChannelHub", [pool, store, vault, court], { libraries });
  const watch = m.contract("ChannelWatch", [hub]);
  return { hub, pool, court, watch };
}
