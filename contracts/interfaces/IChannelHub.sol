// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Conviction} from "../types/ChannelCourtTypes.sol";
import {
    Asset,
    Call,
    Change,
    ChannelNotice,
    ChannelRules,
    ChannelView,
    Config,
    InboxKind,
    JoinConsent,
    Label,
    MemberView,
    PeerDelay,
    ProposalAction,
    ProposalState,
    ProposalType,
    ProposalView,
    SettledHead,
    Settlement,
    SignedVote,
    SlotProof
} from "../types/ChannelTypes.sol";

import {IChannelAbsence} from "./IChannelAbsence.sol";
import {IChannelCourt} from "./IChannelCourt.sol";
import {IChannelChallenges} from "./IChannelChallenges.sol";
import {IStakingPool} from "./IStakingPool.sol";

/// @title Channels: made by apps, run by their members, settled here
/// @notice A channel belongs to the app that created it and runs a registered program. Its members run the program
/// themselves, in records numbered by height; here they agree on what is final.
///
/// **Signatures** are EIP-712 with domain {name "SPRF Channels", version "1", chainId, verifyingContract: the hub}, see
/// ChannelSignatures. Accounts sign consents (contracts by ERC-1271); votes are signed by the key that the member named
/// in its consent, 65 bytes with a low s.
///
/// **Inbox**: joins, leaves, bans, closes and forced calls are numbered here from 1 and taken by the channel's records in
/// that order, so that no leader can skip one. Of each the hash keccak256(abi.encode(InboxEntry)) is kept.
///
/// **Quorum**: strictly more than 2/3 of the counted weight. Counted are the members as of the settlement's inbox cursor
/// that are not gone yet, less those absent, less the accused; and those who joined since, who have no vote. Who abstains is
/// counted, who is silent too. With more than five voters a vote also stands for those who delegated to the voter and have
/// not voted themselves.
///
/// **Delegation**: where there are more than five members, five of them lead and relay, those with most backers. A
/// certificate or an election counts a member that delegated as nothing and its candidate as one more.
///
/// **Settlement**: one at a time moves the final height on, from where the last one ended. It starts from an empty state,
/// so the first one's changes are the whole state. With a quorum it has passed and waits for the channel's window, which
/// is skipped when every member is for it, those who are banned and not gone among them. A channel without a window gives
/// five minutes all the same to what is a quorum only because members were banned or are absent. Then it is final: in the mode
/// `Slots` its changes go into the store, in one transaction or in parts of whole chunks, in the mode `Root` anybody writes
/// the slots that it needs by proof. Leaves at or before its inbox cursor release stakes and let assets be claimed, a close ends the channel.
///
/// **Assets** come in with a join, from the app, into the vault, and are claimed by whom they belong to: as much of each
/// as the exit ledger (see ChannelProgram) says left for it, and all that it owns once the channel is closed. A vault
/// pays of an asset at most what came in.
interface IChannelHub is IChannelChallenges {
    event ProgramRegistered(address indexed program, bytes32 codeHash);
    event ChannelCreated(
        uint256 indexed channel,
        address indexed app,
        address indexed program,
        address store,
        uint64 createdAtMs,
        bytes initialState,
        Config config,
        Label[] labels
    );
    event MemberJoined(
        uint256 indexed channel,
        address indexed member,
        address signer,
        uint64 joinNumber,
        address stakeSource,
        uint256 stakeWei,
        Asset[] assets
    );
    /// @notice The next entry of the channel's inbox, see InboxKind for `data`.
    event InboxAdded(
        uint256 indexed channel,
        uint64 indexed index,
        InboxKind kind,
        address account,
        uint64 timeMs,
        bytes data
    );
    event TermStarted(uint256 indexed channel, uint64 term, address indexed leader);
    event KeptAlive(uint256 indexed channel, address indexed member, PeerDelay[] delays);
    event ProposalCreated(
        uint256 indexed channel,
        uint256 indexed proposal,
        ProposalType proposalType,
        address indexed proposer,
        bytes32 proposalHash,
        bytes data
    );
    event Voted(uint256 indexed channel, uint256 indexed proposal, address indexed member, uint8 option);
    /// @notice A quorum is for it; it can take effect from `finalAt` on, in seconds since 1970.
    event ProposalPassed(uint256 indexed channel, uint256 indexed proposal, uint64 finalAt);
    event ProposalRejected(uint256 indexed channel, uint256 indexed proposal);
    /// @notice Chunks [first, first + chunks) of a settlement's changes are in the store.
    event ChangesApplied(uint256 indexed channel, uint256 indexed proposal, uint256 first, uint256 chunks);
    event Settled(
        uint256 indexed channel,
        uint256 indexed proposal,
        uint64 height,
        bytes32 head,
        bytes32 stateRoot,
        uint64 inboxCursor
    );
    event Materialised(uint256 indexed channel, bytes32[] slots);
    event MemberLeft(uint256 indexed channel, address indexed member, uint256 stakeWei);
    event MemberBanned(
        uint256 indexed channel,
        uint256 indexed proposal,
        address indexed member,
        uint64 bannedUntilMs,
        uint256 fineWei
    );
    /// @notice A proof against a member that has signed as the leader of a term took effect.
    event Convicted(
        uint256 indexed channel,
        uint64 indexed term,
        uint64 height,
        address indexed account,
        uint256 fineWei,
        uint256 rewardWei
    );
    event ChannelClosed(uint256 indexed channel);
    event StakeWithdrawn(uint256 indexed channel, address indexed account, address indexed to, uint256 amount);
    event Claimed(uint256 indexed channel, address indexed member, bytes32 indexed assetKey, uint256 amount);
    /// @notice The app could not be told; nothing else changed.
    event NoticeFailed(uint256 indexed channel, ChannelNotice notice);

    /// @notice No channel has this number.
    error ChannelHub_UnknownChannel(uint256 channel);
    /// @notice The program was not registered.
    error ChannelHub_UnknownProgram(address program);
    /// @notice The program's code is not the one that was registered.
    error ChannelHub_ProgramChanged(address program, bytes32 expected, bytes32 actual);
    /// @notice A setting is out of its bounds.
    error ChannelHub_BadConfig();
    /// @notice Only the channel's app does this.
    error ChannelHub_NotApp(uint256 channel, address app, address caller);
    /// @notice The account is no member that counts here.
    error ChannelHub_NotMember(uint256 channel, address account);
    /// @notice The account is a member, or its leave is not final.
    error ChannelHub_AlreadyMember(uint256 channel, address account);
    /// @notice The account's leave was asked for before.
    error ChannelHub_AlreadyLeaving(uint256 channel, address account);
    /// @notice The account may not join again before that time.
    error ChannelHub_Banned(uint256 channel, address account, uint64 untilMs);
    /// @notice A member delegates to another one that does not delegate itself, and to which it has no backers to bring along;
    /// nobody takes back what was not given.
    error ChannelHub_BadDelegation(uint256 channel, address account, address candidate);
    /// @notice It has as many backers as the channel has members for: ceil((members - 5) / 5), none with up to five members.
    error ChannelHub_CandidateFull(uint256 channel, address candidate, uint256 cap);
    /// @notice The channel has as many members as it may have.
    error ChannelHub_Full(uint256 channel, uint256 max);
    /// @notice Another member has this key.
    error ChannelHub_SignerTaken(uint256 channel, address signer);
    /// @notice The channel is closing or closed.
    error ChannelHub_Closed(uint256 channel);
    /// @notice The consent is for something else than this.
    error ChannelHub_BadConsent(uint256 channel, address member);
    /// @notice The consent's time is over.
    error ChannelHub_ConsentExpired(uint64 deadline, uint256 time);
    /// @notice The consent was used before.
    error ChannelHub_ConsentUsed(bytes32 digest);
    /// @notice The stake is more than the member agreed to.
    error ChannelHub_StakeTooHigh(uint256 max, uint256 stake);
    /// @notice Not this signature, or not one that counts.
    error ChannelHub_BadSignature(address expected, address actual);
    /// @notice Not as much ether as stake and assets need together.
    error ChannelHub_WrongValue(uint256 expected, uint256 sent);
    /// @notice Too many assets, one twice, or one that is none.
    error ChannelHub_BadAssets();
    /// @notice The call is of another channel, or too long.
    error ChannelHub_BadCall(uint256 channel);
    /// @notice Not one of the types, or the data is not of its type.
    error ChannelHub_BadProposal(uint256 channel, uint8 proposalType);
    /// @notice No proposal has this number.
    error ChannelHub_UnknownProposal(uint256 channel, uint256 proposal);
    /// @notice The proposal is not in a state that this needs.
    error ChannelHub_WrongState(uint256 channel, uint256 proposal, ProposalState actual);
    /// @notice A settlement is on its way already.
    error ChannelHub_SettlementInFlight(uint256 channel, uint256 proposal);
    /// @notice The settlement does not begin where the last one ended, or does not end after it.
    error ChannelHub_WrongHeights(uint64 expectedFrom, uint64 from, uint64 to);
    /// @notice The settlement's time is before the last one's.
    error ChannelHub_WrongTime(uint64 least, uint64 actual);
    /// @notice The settlement's time is further ahead of the block's than a leader's clock may be.
    error ChannelHub_FutureTime(uint256 most, uint64 actual);
    /// @notice Only the court does this.
    error ChannelHub_NotTheCourt(address court, address caller);
    /// @notice Only the contract of absences does this.
    error ChannelHub_NotTheAbsence(address absence, address caller);
    /// @notice The signer was convicted of something in this term before.
    error ChannelHub_AlreadyConvicted(uint256 channel, address signer, uint64 term);
    /// @notice The settlement took fewer inbox entries than the last one, or more than there are.
    error ChannelHub_WrongCursor(uint64 least, uint64 most, uint64 actual);
    /// @notice The proposal is for another channel, mode or term.
    error ChannelHub_NotOfChannel(uint256 channel);
    /// @notice Votes are 0 to 2.
    error ChannelHub_BadVote(uint8 option);
    /// @notice The member voted before.
    error ChannelHub_AlreadyVoted(uint256 proposal, address member);
    /// @notice The changes are not those that were voted for.
    error ChannelHub_WrongChanges(bytes32 expected, bytes32 actual);
    /// @notice No chunk, or more than there are.
    error ChannelHub_WrongChunk(uint256 applied, uint256 first);
    /// @notice The chunk is as it should be.
    error ChannelHub_NotRefuted(uint256 channel, uint256 proposal);
    /// @notice The settlement was shown to be none.
    error ChannelHub_Voided(uint256 channel, bytes32 settlementHash);
    /// @notice Only channels of the other mode do this.
    error ChannelHub_WrongMode(uint256 channel);
    /// @notice Changes are being applied by parts.
    error ChannelHub_Locked(uint256 channel);
    /// @notice The slot has another value under the settled root.
    error ChannelHub_BadProof(bytes32 slot);
    /// @notice The accusation is of no reason, not of this term, or against nobody.
    error ChannelHub_BadPunishment(uint256 channel);
    /// @notice Not enough members are for it.
    error ChannelHub_NoQuorum(uint256 weightFor, uint256 weightCounted);
    /// @notice More labels, bytes or delays than that, or lists that should be equally long and are not.
    error ChannelHub_TooMany(uint256 max);
    /// @notice Too little gas to tell the app.
    error ChannelHub_TooLittleGas(uint256 least);
    /// @notice The settled state does not ask for this member's leave since it joined; address zero: for the channel's end.
    error ChannelHub_NotRequested(uint256 channel, address member);
    /// @notice There is nothing to claim.
    error ChannelHub_NothingToClaim(uint256 channel, address member, bytes32 assetKey);

    /// @notice Scans a program, once, and records the hash of its code. Anyone.
    /// @return codeHash keccak256 of the code.
    /// @dev Reverts as OpcodeScan.
    function registerProgram(address program) external returns (bytes32 codeHash);

    /// @notice Makes a channel; the caller is its app.
    /// @return channel Its number, from 1.
    /// @dev Reverts with _UnknownProgram, _ProgramChanged, _BadConfig, _TooMany.
    function create(
        address program,
        bytes calldata initialState,
        Config calldata config,
        Label[] calldata labels
    ) external returns (uint256 channel);

    /// @notice Makes an account a member. The stake comes from the value or from the pool that the member named; assets
    /// come from the app, which lets the vault take tokens, and ether is in the value. The first member leads term 1.
    /// @param signature The member's, of the consent.
    /// @return joinNumber From 1.
    /// @dev App only (_NotApp). Reverts with _Closed, _BadConsent, _ConsentExpired, _ConsentUsed, _BadSignature,
    /// _StakeTooHigh, _AlreadyMember, _SignerTaken, _Banned, _Full, _BadAssets, _WrongValue.
    function join(
        uint256 channel,
        address member,
        JoinConsent calldata consent,
        bytes calldata signature,
        Asset[] calldata assets
    ) external payable returns (uint64 joinNumber);

    /// @notice Asks for a member's leave: it is out once a settlement that took the entry is final. (`leave` alone becomes a
    /// keyword of Solidity.)
    /// @dev App only (_NotApp). Reverts with _NotMember, _AlreadyLeaving, _Closed.
    function leaveFor(uint256 channel, address member) external;

    /// @notice The same by the member itself: no app can keep it in.
    /// @dev Member only (_NotMember). Reverts with _AlreadyLeaving, _Closed.
    function requestExit(uint256 channel) external;

    /// @notice The same where the program asks for it (`isLeaveRequested`), as the store has it. Anyone, in the mode `Slots`.
    /// What the program asked for before a settlement took the member's join does not count.
    /// @dev Reverts with _WrongMode, _Locked, _NotRequested, _NotMember, _AlreadyLeaving, _Closed.
    function leaveByRequest(uint256 channel, address member) external;

    /// @notice The same by a proof of the slot `requests[member]` under the settled root. Anyone, in both modes.
    /// @dev Reverts as `leaveByRequest` but for _WrongMode, and as StateTree.
    function leaveByProof(uint256 channel, address member, SlotProof calldata proof) external;

    /// @notice Asks for the channel's end. Nobody joins any more; when nobody is in it, it is closed at once.
    /// @dev App only (_NotApp). Reverts with _Closed.
    function close(uint256 channel) external;

    /// @notice The same where the program asks for it (`isCloseRequested`), as the store has it. Anyone, in the mode `Slots`.
    /// @dev Reverts with _WrongMode, _Locked, _NotRequested, _Closed.
    function closeByRequest(uint256 channel) external;

    /// @notice The same by a proof of the slot `requests[0]` under the settled root. Anyone, in both modes.
    /// @dev Reverts as `closeByRequest` but for _WrongMode, and as StateTree.
    function closeByProof(uint256 channel, SlotProof calldata proof) external;

    /// @notice Puts a user's call into the inbox. Anyone; the signature is the channel's to check.
    /// @dev Reverts with _Closed, _BadCall.
    function forceCall(Call calldata userCall, bytes calldata signature) external;

    /// @notice Says that a member is there.
    /// @dev Member or its signer (_NotMember). Reverts with _TooMany.
    function keepAlive(uint256 channel, PeerDelay[] calldata delays) external;

    /// @notice Lets a candidate speak for a member, in the place of another one, or with zero for nobody any more. Holds from
    /// the record that takes its entry of the inbox, and for votes here at once. Where members leave and a candidate may have
    /// fewer backers, those who came last wait.
    /// @dev Member or its signer (_NotMember). Reverts with _Closed, _AlreadyLeaving, _BadDelegation, _CandidateFull.
    function delegate(uint256 channel, address candidate) external;

    /// @notice Proposes a settlement (type 1, data = abi.encode(Settlement, Change[]), the changes may be left out) or a
    /// punishment (type 2, data = abi.encode(Punishment)). To propose a settlement is not to vote for it; to accuse is.
    /// @return proposal Its number, from 1.
    /// @dev Member or its signer (_NotMember). Reverts with _Closed, _BadProposal, _NotOfChannel, _SettlementInFlight,
    /// _WrongHeights, _WrongTime, _WrongCursor, _BadPunishment.
    function createProposal(
        uint256 channel,
        uint8 proposalType,
        bytes calldata data
    ) external returns (uint256 proposal);

    /// @notice Votes: 0 against, 1 for, 2 abstain.
    /// @dev Member or its signer (_NotMember), once (_AlreadyVoted). Reverts with _UnknownProposal, _WrongState, _BadVote.
    function vote(uint256 channel, uint256 proposal, uint8 option) external;

    /// @notice Brings votes of others; with none, begins the window of what has become a quorum by itself. Anyone.
    /// @dev As `vote`, and with _BadSignature. One bad vote fails them all; one of a member that voted already is passed
    /// over, whatever it says, since it may have been on its way.
    function voteBySignatures(uint256 channel, uint256 proposal, SignedVote[] calldata votes) external;

    /// @notice Lets a proposal take effect once it passed and its window is over. Anyone.
    /// @param changes All changes of a settlement in the mode `Slots`; empty otherwise.
    /// @return action What was proposed.
    /// @dev Reverts with _UnknownProposal, _WrongState, _WrongChanges, ChangeSets_Unsorted.
    function executeProposal(
        uint256 channel,
        uint256 proposal,
        Change[] calldata changes
    ) external returns (ProposalAction memory action);

    /// @notice Lets a settlement take effect by parts: locks the channel's reads and claims with the first one, opens them
    /// with the last. Anyone.
    /// @param chunkHashes Hashes of all chunks, see ChangeSets.
    /// @param first The chunk with which `changes` begin. Chunks may come in any order; one that was applied does no harm.
    /// @param changes One chunk, or several whole ones in a row.
    /// @dev Reverts with _UnknownProposal, _WrongState, _WrongMode, _WrongChanges, _WrongChunk, and before the first
    /// part is in the store with ChangeSets_Unsorted.
    function applyChanges(
        uint256 channel,
        uint256 proposal,
        bytes32[] calldata chunkHashes,
        uint256 first,
        Change[] calldata changes
    ) external;

    /// @notice Ends a settlement that passed and cannot take effect: one of its chunks has slots that do not ascend. It
    /// stays out for good, also with other votes. Anyone, as long as no part of it is in the store.
    /// @param chunkHashes Hashes of all chunks, see ChangeSets.
    /// @param chunk The chunk with the hash at `index`.
    /// @dev Mode `Slots`. Reverts with _UnknownProposal, _WrongState, _WrongMode, _Locked, _WrongChanges, _WrongChunk,
    /// _NotRefuted.
    function refuteChanges(
        uint256 channel,
        uint256 proposal,
        bytes32[] calldata chunkHashes,
        uint256 index,
        Change[] calldata chunk
    ) external;

    /// @notice Proposes a settlement, brings the votes of a quorum and lets it take effect, all at once. When its window is
    /// not over then, or its changes do not come with it, it has passed, and `executeProposal` or `applyChanges` ends it.
    /// Anyone. One that takes effect at once is no proposal: it has no number, and its votes are in its transaction alone.
    /// @return proposal Its number; zero when it took effect.
    /// @dev As `createProposal`, `voteBySignatures`, `executeProposal`, and with _NoQuorum, _Voided.
    function settle(
        Settlement calldata settlement,
        Change[] calldata changes,
        SignedVote[] calldata votes
    ) external returns (uint256 proposal);

    /// @notice Sends a member what it can claim of an asset, as the store has it. Anyone, in the mode `Slots`.
    /// @return amount What was sent.
    /// @dev Reverts with _WrongMode, _Locked, _NothingToClaim, and when the asset cannot be sent.
    function claim(uint256 channel, address member, bytes32 assetKey) external returns (uint256 amount);

    /// @notice The same to another account. The member itself, in the mode `Slots`.
    /// @dev Reverts as `claim`.
    function claimTo(uint256 channel, bytes32 assetKey, address to) external returns (uint256 amount);

    /// @notice The same by proofs of the exit ledger's slots under the settled root. Anyone, in both modes.
    /// @param exits Proof of `exits[member][assetKey]`.
    /// @param owned Proof of `owned[member][assetKey]`; looked at only when the channel is closed.
    /// @dev Reverts with _Locked, _NothingToClaim, as StateTree, and when the asset cannot be sent.
    function claimByProof(
        uint256 channel,
        address member,
        bytes32 assetKey,
        SlotProof calldata exits,
        SlotProof calldata owned
    ) external returns (uint256 amount);

    /// @notice The same to another account. The member itself, in both modes.
    /// @dev Reverts as `claimByProof`.
    function claimByProofTo(
        uint256 channel,
        bytes32 assetKey,
        address to,
        SlotProof calldata exits,
        SlotProof calldata owned
    ) external returns (uint256 amount);

    /// @notice Pays the caller's stake that is free again, and its shares of fines, to any account. What was staked from the
    /// pool goes back there by itself.
    /// @dev Reverts with _NothingToClaim, and when the ether cannot be sent.
    function withdrawStake(uint256 channel, address to) external returns (uint256 amount);

    /// @notice Writes slots of the settled state into the store. Anyone, in the mode `Root`.
    /// @dev Reverts with _WrongMode, _TooMany, _BadProof, and as StateTree.
    function materialise(
        uint256 channel,
        bytes32[] calldata slots,
        bytes32[] calldata values,
        SlotProof[] calldata proofs
    ) external;

    /// @notice Bans and fines a member that signed something false as a leader, once a term, see IChannelCourt. If it has the office
    /// still, it loses that to the reporter, or to the eldest where the reporter is no member.
    /// @dev The court only (_NotTheCourt). Reverts with _AlreadyConvicted, and with _NotMember for who is no member's signer.
    function convict(Conviction calldata conviction) external;

    /// @notice Makes a settlement void for a record that it has. The same one is never taken again.
    /// @dev The court only (_NotTheCourt). Reverts with _NotChallengeable for one that is final, or lost, or being written.
    function voidSettlement(uint256 channel, uint256 proposal) external;

    /// @notice Says in the inbox that a member is absent, or is not: then it counts. A member that is there is told that it is asked.
    /// @dev The contract of absences only (_NotTheAbsence).
    /// @return entry The number of that entry.
    function setPresence(uint256 channel, address member, bool absent) external returns (uint64 entry);

    /// @notice Lets a term begin after `term`, of which the hub may not know, with an entry of the inbox; or notes one that the members
    /// have elected: they know. For the leader zero stands for the eldest of those that are present, without who led before.
    /// @dev The contract of absences only (_NotTheAbsence).
    function setOffice(uint256 channel, uint64 term, address leader, bool isElected) external;

    /// @notice Whether these are a quorum of those who count at an entry of the inbox; who is named twice counts once.
    function isQuorumAt(uint256 channel, uint64 cursor, address[] calldata members) external view returns (bool);

    /// @notice Whose word on who is there counts here.
    function absence() external view returns (IChannelAbsence);

    /// @notice Whose verdicts count here.
    function court() external view returns (IChannelCourt);

    /// @notice Whether a signer was convicted of something that it signed as the leader of a term.
    function isConvicted(uint256 channel, address signer, uint64 term) external view returns (bool);

    /// @notice The Merkle root over the records of a proposed settlement; zero for what is none.
    function recordsRootOf(uint256 channel, uint256 proposal) external view returns (bytes32);

    function pool() external view returns (IStakingPool);

    /// @notice Hash of a registered program's code, zero for another one.
    function programHash(address program) external view returns (bytes32);

    /// @notice How many channels were made; the newest one's number.
    function channelCount() external view returns (uint256);

    /// @notice Reverts with _UnknownChannel, as all that follow.
    function channelOf(uint256 channel) external view returns (ChannelView memory);

    /// @notice How the channel's records are played: a part of `channelOf`, for a tenth of its gas.
    function rulesOf(uint256 channel) external view returns (ChannelRules memory);

    /// @notice What was settled last.
    function headOf(uint256 channel) external view returns (SettledHead memory);

    /// @notice What the app wrote under this key, zero when nothing.
    function getLabel(uint256 channel, bytes32 key) external view returns (bytes32);

    /// @notice Accounts that joined and are not gone, in the order of their join numbers.
    function membersOf(uint256 channel) external view returns (address[] memory);

    /// @notice A member, or one that was; all zero for who never joined.
    function memberOf(uint256 channel, address account) external view returns (MemberView memory);

    /// @notice Hash of an inbox entry, zero when there is none.
    function inboxHash(uint256 channel, uint64 index) external view returns (bytes32);

    /// @notice How many proposals were made; the newest one's number.
    function proposalCount(uint256 channel) external view returns (uint256);

    /// @notice Reverts with _UnknownProposal.
    function proposalOf(uint256 channel, uint256 proposal) external view returns (ProposalView memory);

    /// @notice The asset behind a key, with what of it the vault still holds for the channel.
    function assetOf(uint256 channel, bytes32 assetKey) external view returns (Asset memory);

    /// @notice What an account can take with `withdrawStake`.
    function creditOf(uint256 channel, address account) external view returns (uint256 amountWei);

    /// @notice What was paid to a member of an asset so far.
    function paidTo(uint256 channel, address member, bytes32 assetKey) external view returns (uint256);
}
