import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

const GWEI = 10n ** 9n;
const ETHER = 10n ** 18n;

/**
 * Deploys the market: identities, testers, the agreement's code and the dispatcher, in the order in which they need
 * each other. The defaults suit a development network whose epochs should pass quickly; every number is a parameter of
 * the module, and the contracts check each against named bounds. Lengths are blocks, amounts wei.
 */
// Ignition takes a module from its file's default export only.
export default buildModule("Market", (m) => {
  const unbondingLength = m.getParameter("unbondingLength", 8n);

  const twins = m.contract("Twins");
  const testers = m.contract("TesterRegistry", [
    twins,
    { dutyStake: m.getParameter("dutyStake", ETHER / 100n), unbondingLength },
  ]);
  const agreement = m.contract("WorkAgreement", [testers]);
  const dispatcher = m.contract("WorkerDispatcher", [
    twins,
    testers,
    agreement,
    {
      epochLength: m.getParameter("epochLength", 12n),
      revealLength: m.getParameter("revealLength", 8n),
      appealLength: m.getParameter("appealLength", 8n),
      unbondingLength,
      maxLength: m.getParameter("maxLength", 6_144n),
      stakeFactor: m.getParameter("stakeFactor", 2n),
      minSlotStake: m.getParameter("minSlotStake", ETHER / 100n),
      testerFeePerEpoch: m.getParameter("testerFeePerEpoch", 100_000n * GWEI),
      clientWeightCap: m.getParameter("clientWeightCap", 30_000_000n * GWEI),
      priorWeight: m.getParameter("priorWeight", 1_000_000n * GWEI),
    },
  ]);
  return { twins, testers, agreement, dispatcher };
});
