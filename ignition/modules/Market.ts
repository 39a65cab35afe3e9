import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { DEVNET_DUTY_STAKE, DEVNET_MARKET_SETTINGS } from "../../src/devnet/market-settings.ts";

/**
 * Deploys the market: identities, testers, the agreement's code and the dispatcher, in the order in which they need
 * each other. The defaults are devnet's; every number is a parameter of the module, and the contracts check each
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
  const agreement = m.contract("WorkAgreement", [testers]);
  const dispatcher = m.contract("WorkerDispatcher", [
    twins,
    testers,
    agreement,
    {
      epochLength: setting("epochLength"),
      revealLength: setting("revealLength"),
      appealLength: setting("appealLength"),
      unbondingLength,
      maxLength: setting("maxLength"),
      stakeFactor: setting("stakeFactor"),
      minSlotStake: setting("minSlotStake"),
      testerFeePerEpoch: setting("testerFeePerEpoch"),
      clientWeightCap: setting("clientWeightCap"),
      priorWeight: setting("priorWeight"),
    },
  ]);
  return { twins, testers, agreement, dispatcher };
});
