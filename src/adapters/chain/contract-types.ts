export type {
  AccusationViewStructOutput,
  IChannelAbsence,
  SignedStandingStruct,
} from "../../../typechain-types/interfaces/IChannelAbsence.ts";
export type {
  IChannelCourt,
  InboxEntryStruct,
  OpeningStruct,
  RecordHeaderStruct,
  ReplayStruct,
  SlotOpeningStruct,
  SlotValueStruct,
} from "../../../typechain-types/interfaces/IChannelCourt.ts";
export type {
  AssetStructOutput,
  CallStruct,
  ChangePartStruct,
  ChangeStruct,
  ChannelViewStructOutput,
  ConfigStructOutput as ChannelConfigStructOutput,
  DemandViewStructOutput,
  FreezeViewStructOutput,
  IChannelHub,
  MemberViewStructOutput,
  ProposalViewStructOutput,
  PunishmentStruct,
  RecordDataStruct,
  SettledHeadStructOutput,
  SettlementStruct,
  SignedVoteStruct,
  SlotProofStruct,
} from "../../../typechain-types/interfaces/IChannelHub.ts";
export type { IChannelReplay } from "../../../typechain-types/interfaces/IChannelReplay.ts";
export type { AnswerProofStruct } from "../../../typechain-types/interfaces/IDisputes.ts";
export type {
  AccountViewStructOutput,
  ContractViewStructOutput,
  IGridContracts,
} from "../../../typechain-types/interfaces/IGridContracts.ts";
export type {
  FarmViewStructOutput,
  NodeViewStructOutput,
  PricingPolicyStructOutput,
  PublicIpStructOutput,
} from "../../../typechain-types/interfaces/IGridRegistry.ts";
export type { IWorkAgreement, SeatRevealStruct } from "../../../typechain-types/interfaces/IWorkAgreement.ts";
export type {
  IWorkerDispatcher,
  PurchaseRequestStruct,
  WorkerTermsStruct,
  WorkerViewStructOutput,
} from "../../../typechain-types/interfaces/IWorkerDispatcher.ts";
export type { IWorkerRecords } from "../../../typechain-types/interfaces/IWorkerRecords.ts";
