import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import {
  DEVNET_DUTY_STAKE,
  DEVNET_MARKET_SETTINGS,
  DEVNET_REPUTATION_SETTINGS,
} from "../../src/devnet/market-settings.ts";

/**
 * Deploys the market: identities, testers, disputes, records, the agreement's code and the dispatcher, in the order in
 * which they need each other. The defaults are devnet's; every number is a parameter of the module, and the contracts check each
 * against named bounds. Lengths are blocks, amounts wei.
 */
// Ignition takes a module from its file's default export only.
export default buildModule("Market", (m) => {
  const setting = (name: keyof typeof DEVNET_MARKET_SETTINGS): ReturnType<typeof m.getParameter> =>
    m.getParameter(name, DEVNET_MARKET_SETTINGS[name]);
  const unbondingLength = setting("unbondingLength");

  const twins = m.contract("Twins");
  const testers = m.contract("TesterRegistry", [
    twins,
    { dutyStake: m.getParameter("dutyStake", DEVNET_DUTY_STAKE), unbondingLength },
  ]);
  const disputes = m.contract("Disputes", [twins, testers]);
  const records = m.contract("WorkerRecords", [
    {
      clientWeightCap: m.getParameter("clientWeightCap", DEVNET_REPUTATION_SETTINGS.clientWeightCap),
      priorWeight: m.getParameter("priorWeight", DEVNET_REPUTATION_SETTINGS.priorWeight),
    },
  ]);
  const settlement = m.library("Settlement");
  const agreement = m.contract("WorkAgreement", [testers, disputes], { libraries: { Settlement: settlement } });
  const dispatcher = m.contract("WorkerDispatcher", [
    twins,
    testers,
    records,
    agreement,
    {
      epochLength: setting("epochLength"),
      revealLength: setting("revealLength"),
      appealLength: setting("appealLength"),
      unbondingLength,
      maxLength: setting("maxLength"),
      stakeFactor: setting("stakeFactor"),
      minSlotStake: setting("minSlotStake"),
      slashShare: setting("slashShare"),
      testerFeePerEpoch: setting("testerFeePerEpoch"),
    },
  ]);
  return { twins, testers, disputes, records, agreement, dispatcher };
});
