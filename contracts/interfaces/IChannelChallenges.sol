// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    Change,
    ChangePart,
    DataKind,
    DemandView,
    FreezeView,
    InboxEntry,
    RecordData,
    RecordHeader,
    Settlement,
    SignedAck,
    SlotProof
} from "../types/ChannelTypes.sol";

/// @title What one honest member does against all others: the second half of {IChannelHub}
/// @notice
/// **Proofs** against a settlement that is not final: what was voted for contradicts itself or the state. They need no bond;
/// one that is wrong reverts. The first right one makes the settlement void for good, and bans and fines all who voted for
/// it: min(fineWei, stake) each, shared evenly among the voters that were not for it. With nobody to share it stays in the vault.
///
/// **Demands** for the data of a settlement, by any member. While one waits, the settlement's window stands still. Without an
/// answer in time the settlement is void; nobody is fined, since nobody knows who is silent. A bond pays who answers, by
/// bytes, at twice the base fee of the demand's block or of the answer's, whichever is higher; what is left goes back. A member has one demand at a time and
/// `maxDemands` of a settlement, so that demands cannot stop a channel for ever.
///
/// **Exit**: a leave (`IChannelHub.requestExit`), ban or close that no final settlement contains in time (`exitSeconds` after
/// its entry; a settlement that contains it and is in its window has until three times that) lets anybody freeze the channel.
/// Then anybody brings settlements with a certificate for their head. The highest counts once no challenge to it is left and its
/// window is over; without any, what was final. Higher is what more of those who are in the channel had joined by, then the
/// later term, then the greater height. All that were brought can be challenged at the same time. The channel closes with that root: stakes are
/// released and everybody claims by proof what left and what it owns.
interface IChannelChallenges {
    /// @notice It never takes effect, and neither does another one that says the same.
    event SettlementVoided(uint256 indexed channel, uint256 indexed proposal, bytes32 settlementHash);
    event DataDemanded(
        uint256 indexed channel,
        uint256 indexed proposal,
        address indexed member,
        DataKind kind,
        uint64 first,
        uint64 last,
        uint64 deadline
    );
    /// @notice Records that an answer showed. In an event, since who answers through a contract need not have them in its
    /// transaction as they are.
    event RecordsShown(uint256 indexed channel, uint256 indexed proposal, RecordData[] records);
    /// @notice Chunks of changes from number `first` on that an answer showed, and the hashes of all chunks.
    event ChangesShown(
        uint256 indexed channel,
        uint256 indexed proposal,
        uint64 first,
        bytes32[] chunkHashes,
        Change[] changes
    );
    /// @notice Up to `next` it is answered.
    event DataAnswered(
        uint256 indexed channel,
        uint256 indexed proposal,
        address indexed member,
        uint64 next,
        uint256 paidWei
    );
    event ChannelFrozen(uint256 indexed channel, uint64 entryIndex, uint64 endsAt);
    /// @notice The highest one so far; `endsAt` is when it counts, if nothing happens.
    event SettlementBrought(
        uint256 indexed channel,
        uint256 indexed proposal,
        uint64 term,
        uint64 height,
        uint64 endsAt
    );

    /// @notice What a member brought with that entry of the inbox is its own again.
    event Reclaimed(uint256 indexed channel, address indexed member, uint64 entryIndex);

    /// @notice The settlement is final, void, in application or not the one that counts.
    error ChannelHub_NotChallengeable(uint256 channel, uint256 proposal);
    /// @notice What was shown is as it should be.
    error ChannelHub_NoFault(uint256 channel, uint256 proposal);
    /// @notice The record, entry or list is not of this settlement or channel.
    error ChannelHub_NotOfSettlement(uint256 channel, uint256 proposal);
    /// @notice Nothing that the settlement has, or too much of it.
    error ChannelHub_BadDemand(uint256 channel, uint256 proposal);
    /// @notice The member has a demand that waits, or had as many as it may.
    error ChannelHub_TooManyDemands(uint256 channel, uint256 proposal, address member);
    /// @notice The bond is too small.
    error ChannelHub_BondTooSmall(uint256 least, uint256 sent);
    /// @notice There is no such demand, or it needs none of this now.
    error ChannelHub_NoDemand(uint256 channel, uint256 proposal, address member);
    /// @notice Not what was asked for next.
    error ChannelHub_WrongAnswer(uint256 channel, uint256 proposal, uint64 next);
    /// @notice The channel is frozen.
    error ChannelHub_Frozen(uint256 channel);
    /// @notice The channel is not frozen.
    error ChannelHub_NotFrozen(uint256 channel);
    /// @notice The entry is no leave, ban or close that waits to be settled.
    error ChannelHub_BadEntry(uint256 channel, uint64 index);
    /// @notice Not before that time, in seconds since 1970.
    error ChannelHub_TooEarly(uint256 channel, uint256 time);
    /// @notice The time for it is over.
    error ChannelHub_TooLate(uint256 channel);
    /// @notice A higher one was brought already.
    error ChannelHub_NotHigher(uint256 channel, uint64 term, uint64 height);

    /// @notice Shows the record that a settlement ends with, and that the settlement says something else of it: its height,
    /// time, root, cursor or channel. Or, with a proof that the record is among the settled ones, that the settlement ends with
    /// another one at that height, has it without having its height, or begins with it although it does not follow the final record.
    /// Anyone.
    /// @param proof In recordsRoot; empty for the head.
    /// @dev Reverts with _NotChallengeable, _NotOfSettlement, _NoFault.
    function proveHead(
        uint256 channel,
        uint256 proposal,
        RecordHeader calldata header,
        bytes32[] calldata proof
    ) external;

    /// @notice Shows that a change begins at another value than the last final root has, or ends at another one than the
    /// settlement's. Anyone.
    /// @param index Of the change in the part.
    /// @param before The slot under the last final root.
    /// @param after_ The slot under the settlement's root.
    /// @dev Reverts with _NotChallengeable, _NotOfSettlement, _NoFault, and as StateTree.
    function proveChange(
        uint256 channel,
        uint256 proposal,
        ChangePart calldata part,
        uint256 index,
        SlotProof calldata before,
        SlotProof calldata after_
    ) external;

    /// @notice Shows that a slot differs between the roots and is not among the changes. Anyone.
    /// @param part All changes, or a chunk that has slots below and above this one. Where all are too many for a transaction: some
    /// chunks from the list's beginning on, then the next ones; it takes effect with the last.
    /// @dev Reverts as `proveChange`.
    function proveOmission(
        uint256 channel,
        uint256 proposal,
        ChangePart calldata part,
        bytes32 slot,
        SlotProof calldata before,
        SlotProof calldata after_
    ) external;

    /// @notice Shows that a settlement ends more than ten minutes after an inbox entry and has not taken it. It is void; nobody
    /// is fined. Anyone.
    /// @dev Reverts with _NotChallengeable, _NotOfSettlement, _NoFault.
    function proveSkipped(uint256 channel, uint256 proposal, InboxEntry calldata entry) external;

    /// @notice Asks for records, by height, or for chunks of changes, by number, of a settlement that passed or was brought. Of
    /// changes the first demand is for chunk 0: its answer says how many there are. A longer list of chunks may take its place
    /// later; whose answer brings that has its demand back. Of a channel's first settlement record 0 can be asked for as well,
    /// together with record 1.
    /// @dev Member or its signer (_NotMember), with a bond (_BondTooSmall). Reverts with _NotChallengeable, _BadDemand,
    /// _TooManyDemands.
    function demandData(uint256 channel, uint256 proposal, DataKind kind, uint64 first, uint64 last) external payable;

    /// @notice The next records that a member asked for, in order, as many as fit. Anyone, and the caller is paid. Record 0 has no
    /// siblings and comes with record 1, which names it.
    /// @dev Reverts with _NoDemand, _WrongAnswer, _NotChallengeable.
    function answerRecords(uint256 channel, uint256 proposal, address member, RecordData[] calldata records) external;

    /// @notice The next chunks that a member asked for, whole ones. Anyone, and the caller is paid.
    /// @param chunkHashes Hashes of all chunks.
    /// @dev Reverts as `answerRecords`, and with _NotOfSettlement, ChangeSets_Unsorted.
    function answerChanges(
        uint256 channel,
        uint256 proposal,
        address member,
        bytes32[] calldata chunkHashes,
        Change[] calldata changes
    ) external;

    /// @notice Ends a demand that needs no answer any more, or got none in time, which makes the settlement void. The bond goes
    /// back. Anyone.
    /// @dev Reverts with _NoDemand, _TooEarly.
    function resolveDemand(uint256 channel, uint256 proposal, address member) external;

    /// @notice Freezes a channel in which an exit was not settled in time. Anyone.
    /// @dev Reverts with _Frozen, _Closed, _BadEntry, _TooEarly.
    function freeze(uint256 channel, InboxEntry calldata entry) external;

    /// @notice Brings a settlement to a frozen channel, before its time is over and within four rounds. Anyone.
    /// @param header The record that it ends with.
    /// @param acks Of a quorum of the members at that record.
    /// @param changes All of them in the mode `Slots`; none in the mode `Root`.
    /// @return proposal Its number.
    /// @dev Reverts with _NotFrozen, _Closed, _TooLate, _Voided, _NotOfChannel, _WrongHeights, _WrongCursor, _NotOfSettlement,
    /// _NoQuorum, _BadSignature, _NotMember, _NotHigher, _WrongChanges, ChangeSets_Unsorted.
    function bring(
        Settlement calldata settlement,
        RecordHeader calldata header,
        SignedAck[] calldata acks,
        Change[] calldata changes
    ) external returns (uint256 proposal);

    /// @notice Closes a frozen channel, once its time is over, with the root that counts. Anyone.
    /// @dev Reverts with _NotFrozen, _Closed, _TooEarly.
    function conclude(uint256 channel) external;

    /// @notice Gives a member what it brought with a join that the root of a frozen channel has not taken: `claimByProof` pays it
    /// with the rest. Once the channel is closed. Anyone, once.
    /// @dev Reverts with _NotFrozen, _Frozen, _BadEntry.
    function reclaim(uint256 channel, InboxEntry calldata entry) external;

    /// @notice What a member asked for last of a settlement.
    function demandOf(uint256 channel, uint256 proposal, address member) external view returns (DemandView memory);

    function freezeOf(uint256 channel) external view returns (FreezeView memory);
}
