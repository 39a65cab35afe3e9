import { AbiCoder, hexlify, type Result } from "ethers";

import type {
  ChannelConfig,
  ChannelInfo,
  HubMember,
  HubProposal,
  HubProposalState,
  HubSlotProof,
  HubVote,
  SettledHead,
} from "../../../ports/channel-hub.ts";
import { fromHex } from "../../../utils/bytes.ts";
import type { SignedCall } from "../../../wire/channel/call.ts";
import type { Asset } from "../../../wire/channel/inbox-entry.ts";
import type { Change, Punishment, Settlement } from "../../../wire/channel/settlement.ts";
import type {
  AssetStructOutput,
  CallStruct,
  ChangeStruct,
  ChannelConfigStructOutput,
  ChannelViewStructOutput,
  MemberViewStructOutput,
  ProposalViewStructOutput,
  PunishmentStruct,
  SettledHeadStructOutput,
  SettlementStruct,
  SignedVoteStruct,
  SlotProofStruct,
} from "../contract-types.ts";
import { member } from "../values.ts";

/** The members of contracts/types/ChannelTypes.sol in their order. */
const READ_ACCESSES: ReadonlyArray<ChannelConfig["readAccess"]> = ["anyone", "members"];
const PROPOSAL_TYPES: ReadonlyArray<HubProposal["type"] | undefined> = [undefined, "settlement", "punishment"];
const PROPOSAL_STATES: ReadonlyArray<HubProposalState | undefined> = [
  undefined,
  "proposed",
  "passed",
  "pending",
  "final",
  "rejected",
];
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

/** Settlements and punishments as `createProposal` takes them. */
export const SETTLEMENT_TYPE =
  "tuple(uint256 channel,uint64 fromHeight,uint64 toHeight,uint64 timeMs,bytes32 head,bytes32 recordsRoot,bytes32 stateRoot,bytes32 changesRoot,uint64 inboxCursor,uint8 mode)";
export const PUNISHMENT_TYPE =
  "tuple(uint256 channel,uint64 term,address target,uint64 height,bytes32 recordHash,uint8 reason)";

export function proposalTypeOf(value: bigint): HubProposal["type"] {
  return member(PROPOSAL_TYPES, value) ?? "settlement";
}

export function channelOf(channel: bigint, view: ChannelViewStructOutput): ChannelInfo {
  return {
    channel,
    app: view.app.toLowerCase(),
    program: view.program.toLowerCase(),
    codeHash: fromHex(view.codeHash),
    store: view.store.toLowerCase(),
    vault: view.vault.toLowerCase(),
    createdAtMs: Number(view.createdAtMs),
    createdInBlock: Number(view.createdInBlock),
    initialStateHash: fromHex(view.initialStateHash),
    config: configOf(view.config),
    term: Number(view.term),
    ...(view.leader === ZERO_ADDRESS ? {} : { leader: view.leader.toLowerCase() }),
    memberCount: Number(view.memberCount),
    inboxLength: Number(view.inboxLength),
    isClosing: view.closing,
    isClosed: view.closed,
  };
}

function configOf(config: ChannelConfigStructOutput): ChannelConfig {
  return {
    mode: Number(config.mode),
    readAccess: member(READ_ACCESSES, config.readAccess),
    votesAreProof: config.votesAreProof,
    maxMembers: Number(config.maxMembers),
    tickMs: Number(config.tickMs),
    maxCatchUpTicks: Number(config.maxCatchUpTicks),
    windowSeconds: Number(config.windowSeconds),
    aliveSeconds: Number(config.aliveSeconds),
    answerSeconds: Number(config.answerSeconds),
    stakeWei: config.stakeWei,
    fineWei: config.fineWei,
  };
}

export function headOf(view: SettledHeadStructOutput): SettledHead {
  return {
    height: Number(view.height),
    timeMs: Number(view.timeMs),
    inboxCursor: Number(view.inboxCursor),
    isLocked: view.locked,
    recordHash: fromHex(view.recordHash),
    stateRoot: fromHex(view.stateRoot),
  };
}

/** `undefined` for who never joined. */
export function memberOf(account: string, view: MemberViewStructOutput): HubMember | undefined {
  if (view.joinNumber === 0n) return undefined;
  return {
    account: account.toLowerCase(),
    signer: view.signer.toLowerCase(),
    joinNumber: Number(view.joinNumber),
    joinedAt: Number(view.joinedAt),
    ...(view.leftAt === 0n ? {} : { leftAt: Number(view.leftAt) }),
    isGone: view.gone,
    isAbsent: view.absent,
    lastAliveMs: Number(view.lastAliveMs),
    bannedUntilMs: Number(view.bannedUntilMs),
    ...(view.stakeSource === ZERO_ADDRESS ? {} : { stakeSource: view.stakeSource.toLowerCase() }),
    stakeWei: view.stakeWei,
    ...(view.candidate === ZERO_ADDRESS ? {} : { candidate: view.candidate.toLowerCase() }),
    weight: Number(view.weight),
  };
}

export function proposalOf(proposal: bigint, view: ProposalViewStructOutput): HubProposal {
  return {
    proposal,
    type: proposalTypeOf(view.proposalType),
    state: member(PROPOSAL_STATES, view.state) ?? "rejected",
    proposer: view.proposer.toLowerCase(),
    proposalHash: fromHex(view.proposalHash),
    weightFor: view.weightFor,
    weightAgainst: view.weightAgainst,
    weightAbstained: view.weightAbstained,
    weightCounted: view.weightCounted,
    finalAtSeconds: Number(view.finalAt),
    chunksApplied: Number(view.chunksApplied),
  };
}

export function assetOf(view: AssetStructOutput): Asset {
  return { kind: Number(view.kind), token: view.token.toLowerCase(), id: view.id, amount: view.amount };
}

export function settlementStruct(settlement: Settlement): SettlementStruct {
  const { head, recordsRoot, stateRoot, changesRoot } = settlement;
  return {
    ...settlement,
    head: hexlify(head),
    recordsRoot: hexlify(recordsRoot),
    stateRoot: hexlify(stateRoot),
    changesRoot: hexlify(changesRoot),
  };
}

/** The settlement that `createProposal` was given, with which its data begins. */
export function settlementIn(data: Uint8Array): Settlement {
  const [value] = AbiCoder.defaultAbiCoder().decode([SETTLEMENT_TYPE], data) as unknown as [Result];
  const bytes = (name: string): Uint8Array => fromHex(value.getValue(name) as string);
  const count = (name: string): number => Number(value.getValue(name));
  return {
    channel: value.getValue("channel") as bigint,
    fromHeight: count("fromHeight"),
    toHeight: count("toHeight"),
    timeMs: count("timeMs"),
    head: bytes("head"),
    recordsRoot: bytes("recordsRoot"),
    stateRoot: bytes("stateRoot"),
    changesRoot: bytes("changesRoot"),
    inboxCursor: count("inboxCursor"),
    mode: count("mode"),
  };
}

export function punishmentStruct(punishment: Punishment): PunishmentStruct {
  return { ...punishment, recordHash: hexlify(punishment.recordHash) };
}

export function changeStruct({ slot, oldValue, newValue }: Change): ChangeStruct {
  return { slot: hexlify(slot), oldValue: hexlify(oldValue), newValue: hexlify(newValue) };
}

export function voteStruct({ member: account, option, signature }: HubVote): SignedVoteStruct {
  return { member: account, option, signature: hexlify(signature) };
}

export function callStruct({ call }: SignedCall): CallStruct {
  return { ...call, data: hexlify(call.data) };
}

export function proofStruct({ siblings, leafPath, leafValue }: HubSlotProof): SlotProofStruct {
  return {
    siblings: siblings.map((sibling) => hexlify(sibling)),
    leafPath: hexlify(leafPath),
    leafValue: hexlify(leafValue),
  };
}
