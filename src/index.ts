/**
 * SPRF: an open marketplace for computing that nobody has to trust.
 *
 * @example
 * import { connect } from "sprf";
 *
 * const sprf = await connect({ networks, mnemonic });
 * const { agreement } = await sprf.buy({ redundancy: 3, lengthBlocks: 100 });
 * const workers = await sprf.findWorkers(agreement);
 *
 * @example
 * import { chatProgramAbi, connectChannels } from "sprf";
 *
 * const channels = await connectChannels({ networks, mnemonic });
 * const chat = await channels.connect({ url: "ws://127.0.0.1:8102", channel: 1n, abi: chatProgramAbi });
 * const said = await chat.call("say", ["hello"]);
 * await said.committed();
 *
 * @packageDocumentation
 */
export { connect } from "./create-client.ts";
export type { BuyOptions, CallOptions, ConnectInit, SprfClient } from "./create-client.ts";
export { connectGrid, connectGridOnChain } from "./create-grid.ts";
export type { SprfGrid, SprfGridOnChain } from "./create-grid.ts";
export type { DeployOptions, DeployStep } from "./client/grid/bring.ts";
export type { DeployRequest, Deployed } from "./client/grid/deploy.ts";
export type { DeploymentQuote } from "./client/grid/quote.ts";
export type { RecoverOptions, RecoveredContract } from "./client/grid/recover.ts";
export type { DeploymentStatus } from "./client/grid/status.ts";
export type { WatchOptions, WatchReport } from "./client/grid/watch.ts";
export type { Bill, ContractBill } from "./domain/grid/bill.ts";
export type { NodeOffer } from "./domain/grid/choose-node.ts";
export { readWorkloadFile } from "./wire/grid/file/read-workload-file.ts";
export type { WorkloadFile } from "./wire/grid/file/read-workload-file.ts";
export { writeWorkloadFile } from "./wire/grid/file/write-workload-file.ts";
export type { NetworkSettings } from "./create-peer.ts";
export type { CreateProgramParts, CreatedProgram } from "./client/create-program.ts";
export type { BestPurchase } from "./client/choose-and-buy.ts";
export type { JudgedWorker, Replacement } from "./client/replace-workers.ts";
export type { ExecuteParts } from "./client/execute.ts";
export type { ExecuteOptions, ExecuteStep, ExecutionResult } from "./client/land-paid.ts";
export type { ResumeParts } from "./client/resume.ts";
export type { FoundWorker } from "./client/find-workers.ts";
export type { ChangeCost } from "./client/change-program.ts";
export type { ProgramGovernance, ProgramStanding } from "./client/governance.ts";
export type { LandedProposal } from "./client/land-proposal.ts";
export type { HistoryEntry } from "./client/history.ts";
export type { ProgramState } from "./client/read-state.ts";
export type { WorkerReply } from "./client/ask-workers.ts";
export { walletOf } from "./client/wallet.ts";
export type { Wallet } from "./client/wallet.ts";
export { connectChannels } from "./create-channels.ts";
export type { ChannelStanding, ChannelsCallOptions, SprfChannels } from "./create-channels.ts";
export { connectChannel } from "./create-channel-client.ts";
export type {
  ChannelCallOptions,
  ChannelCallResult,
  ChannelClient,
  ChannelViewResult,
  ConnectChannelInit,
} from "./create-channel-client.ts";
export { createChannelDaemon } from "./create-channel-daemon.ts";
export type { ChannelDaemon, ChannelDaemonInit } from "./create-channel-daemon.ts";
export type { VerifiedChannel } from "./channel/verify.ts";
export type { TypedDataSigner } from "./client/channel/channel-signer.ts";
export type { ChannelClaims } from "./client/channel/claim.ts";
export type { ChannelAsset } from "./ports/channel-apps.ts";
export type { ProgramEvent } from "./client/channel/program-abi.ts";
export { chatProgramAbi, documentProgramAbi, landCraftProgramAbi } from "./client/channel/program-abis.ts";
export { formatLand } from "./domain/landcraft/land-map.ts";
export { createLandGame } from "./create-land-game.ts";
export type { LandGame } from "./create-land-game.ts";
export { drawLand, redraw } from "./client/landcraft/draw-land.ts";
export { keysOf, orderOfKey } from "./client/landcraft/land-orders.ts";
export type { LandOrder } from "./client/landcraft/land-orders.ts";
export type { LandItems, LandSight, SeenHero } from "./client/landcraft/land-sight.ts";
export type {
  ChannelDescription,
  ChannelHead,
  ChannelLinks,
  ChannelReceipt,
  ChannelUpdate,
  Commitment,
  SlotChange,
  SubscribeOptions,
} from "./ports/channel-service.ts";
export { deriveTwinKeys } from "./domain/identity/keys.ts";
export type { TwinKeys } from "./domain/identity/keys.ts";
export { chooseWorkers } from "./domain/market/choose-workers.ts";
export type { Candidate, LostWorker, WorkerChoice } from "./domain/market/choose-workers.ts";
export type { ChoiceTally, ConditionCount } from "./domain/market/choice-tally.ts";
export type { Condition, WorkerOffer, WorkerStanding } from "./domain/market/conditions.ts";
export { explainChoice } from "./domain/market/explain-choice.ts";
export type { Judgement } from "./domain/market/judge-workers.ts";
export type { FittingWorker } from "./domain/market/rank-workers.ts";
export type { Preference, WorkerPolicy } from "./domain/market/worker-policy.ts";
export { formatStroops, parseXlm } from "./domain/program/stroops.ts";
export type { SmartAccount } from "./domain/program/smart-account.ts";
export { ERRORS, SprfError, isSprfError } from "./errors.ts";
export { recoveryFromJson, recoveryToJson } from "./wire/kept-recovery.ts";
export type { KeptRecovery } from "./wire/kept-recovery.ts";
export { requestFromJson, requestToJson } from "./wire/execution-json.ts";
export type { SignedRequestJson } from "./wire/execution-json.ts";
export type { SignedRequest } from "./wire/execution-request.ts";
export type { ErrorCode, Fault } from "./errors.ts";
