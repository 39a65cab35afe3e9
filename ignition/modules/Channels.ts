import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { DEFAULT_ANSWER_SECONDS, DEFAULT_UNBONDING_SECONDS } from "../../src/devnet/channel-settings.ts";
import { channelContracts } from "../channel-contracts.ts";

/** Deploys the hub of channels and the staking pool; they need no other contracts. */
// Ignition takes a module from its file's default export only.
export default buildModule("Channels", (m) => channelContracts(m, DEFAULT_UNBONDING_SECONDS, DEFAULT_ANSWER_SECONDS));
