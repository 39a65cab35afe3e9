// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Opening, SlotValue, UserWord} from "../types/ChannelCourtTypes.sol";
import {
    Call,
    InboxEntry,
    RecordHeader,
    SessionGrant,
    SessionRevoke,
    SlotOpening,
    SlotProof
} from "../types/ChannelTypes.sol";

import {Replay} from "../types/ChannelReplayTypes.sol";

import {IChannelHub} from "./IChannelHub.sol";
import {IChannelReplay} from "./IChannelReplay.sol";

/// @title Where records convict who signed them
/// @notice An accusation is a transaction that shows a record and what is wrong with it. It needs no bond, no vote and no turn:
/// one that shows nothing reverts, any number may be made, and the first that shows something takes effect. Anyone accuses,
/// members or not.
///
/// **Opening**: a record's header, its way to the root of a batch, and the signature of the batch: its signer answers for the
/// record. Or its way to the root of a proposed settlement: that is void then, whoever signed the record and voted for it.
/// **Before**: the header that the record names as the one before it. That one needs no signature: whoever signs a record says
/// that it follows the other one. So faults are shown at any height, the first record of a term and the one after record 0
/// included.
///
/// **Verdict**: a member is banned and fined; a settlement that has a false record is void and stays so. Two records of an
/// equivocation may both be right, and members may have committed to one of them; the hub settles one in any case.
///
/// **Fine**: half of it is burnt: it stays in the vault, and nobody can ask for it. The reporter gets the other half if it has
/// committed to the record at least two blocks before, so that nobody takes a reward by copying an accusation; otherwise the
/// other members share it. Whoever reports itself loses half at least.
interface IChannelCourt {
    event Committed(bytes32 indexed commitment);

    /// @notice The court belongs to a hub already.
    error ChannelCourt_AlreadyAttached(address hub);
    /// @notice The batch does not hold this height, or nobody signs it.
    error ChannelCourt_NoHeight(uint64 height, uint64 first, uint64 last);
    /// @notice The batch has no valid signature.
    error ChannelCourt_NotSigned();
    /// @notice This is not the record that the other one names as the one before it.
    error ChannelCourt_NotBefore(bytes32 expected, bytes32 actual);
    /// @notice The slots are not those whose hash the record has.
    error ChannelCourt_WrongSet(bytes32 expected, bytes32 actual);
    /// @notice The input is not the one whose hash the record has.
    error ChannelCourt_WrongInput(bytes32 expected, bytes32 actual);
    /// @notice The settlement has not this record.
    error ChannelCourt_WrongRoot(bytes32 expected, bytes32 actual);
    /// @notice This is not record 0.
    error ChannelCourt_NotGenesis(uint64 height);
    /// @notice No input of a call or session is encoded like this.
    error ChannelCourt_Unreadable();
    /// @notice Too little gas to judge an input.
    error ChannelCourt_TooLittleGas(uint256 least, uint256 actual);
    /// @notice What was shown is no fault.
    error ChannelCourt_NoFault(uint256 channel, uint64 term, uint64 height);

    /// @notice Ties the court to the hub that calls this, once.
    /// @dev Reverts with _AlreadyAttached.
    function attachHub() external;

    /// @notice Says that the caller is about to report something. Two blocks later the report is worth half of the fine.
    /// @param commitment See `commitmentOf`. The first time counts.
    function commit(bytes32 commitment) external;

    /// @notice Two different records that one signer has signed for one height and term.
    /// @param salt Of the commitment to the first one's hash; any where there is none. So in all others.
    /// @dev All accusations revert with _NotSigned, _NoHeight, _WrongRoot, _NoFault, and as the hub's `convict` or
    /// `voidSettlement`.
    function accuseEquivocation(Opening calldata one, Opening calldata other, bytes32 salt) external;

    /// @notice A record that does not name the one before it, of its signer and term or of its settlement.
    function accuseUnlinked(Opening calldata record, Opening calldata before, bytes32 salt) external;

    /// @notice A record of no kind or status; whose time or term falls, or whose term begins otherwise than by
    /// an election; that leaves out heights or entries of the inbox, or takes
    /// an entry that is none; a tick with an input.
    /// @dev Reverts with _NotBefore; so do all that take a record before.
    function accuseMisplaced(Opening calldata record, RecordHeader calldata before, bytes32 salt) external;

    /// @notice A tick that is not due, or another record when one is.
    /// @param clock Proof of the clock's slot in the state before.
    function accuseMistimed(
        Opening calldata record,
        RecordHeader calldata before,
        SlotProof calldata clock,
        bytes32 salt
    ) external;

    /// @notice A user's call or session half an hour after an entry of the inbox that was not taken.
    function accusePastEntry(Opening calldata record, InboxEntry calldata entry, bytes32 salt) external;

    /// @notice A slot that held another value than the record says.
    /// @param touched All slots that the record touched, with their values before.
    /// @param index Of the false one.
    /// @dev Reverts with _WrongSet.
    function accuseFalseValue(
        Opening calldata record,
        RecordHeader calldata before,
        SlotValue[] calldata touched,
        uint256 index,
        SlotProof calldata proof,
        bytes32 salt
    ) external;

    /// @notice A root that is not what the record's writes lead to.
    /// @param writes All slots that the record wrote, with their new values.
    /// @param proofs Of each slot, under the root after the writes before it; and what stands beside it where it is deleted.
    /// @dev Reverts with _WrongSet.
    function accuseFalseRoot(
        Opening calldata record,
        RecordHeader calldata before,
        SlotValue[] calldata writes,
        SlotProof[] calldata proofs,
        SlotOpening[] calldata openings,
        bytes32 salt
    ) external;

    /// @notice A call or session that its wallet, or a session key of it, has not signed for this channel and time, or that is not
    /// the wallet's next.
    /// @dev Reverts with _WrongInput, _TooLittleGas.
    function accuseForged(
        Opening calldata record,
        RecordHeader calldata before,
        UserWord calldata word,
        bytes32 salt
    ) external;

    /// @notice A record that does not say what the chain comes to when it runs it again: another status, gas, return data, another
    /// write or touched slot. `IChannelReplay.openReplay` comes first, in an earlier block.
    /// @dev Reverts as `IChannelReplay.isFalse`.
    function runReplay(
        Opening calldata record,
        RecordHeader calldata before,
        Replay calldata replay_,
        bytes32 salt
    ) external;

    /// @notice The same of record 0, on the empty state. Whoever signed a record that follows it answers for it.
    /// @param genesis Record 0, as the other one names it.
    /// @dev Reverts with _NotGenesis, and as `runReplay`.
    function runGenesisReplay(
        Opening calldata record,
        RecordHeader calldata genesis,
        Replay calldata replay_,
        bytes32 salt
    ) external;

    /// @notice A record 0 that is not what the channel was created with, or whose writes lead to another root.
    /// @param writes All slots that it wrote, as in `accuseFalseRoot`; anything where the header shows it.
    /// @dev Reverts with _NotGenesis, _WrongSet.
    function accuseFalseGenesis(
        Opening calldata record,
        RecordHeader calldata genesis,
        SlotValue[] calldata writes,
        SlotProof[] calldata proofs,
        SlotOpening[] calldata openings,
        bytes32 salt
    ) external;

    /// @notice The block of a commitment, 0 for none.
    function committedIn(bytes32 commitment) external view returns (uint256);

    function hub() external view returns (IChannelHub);

    function replay() external view returns (IChannelReplay);

    /// @notice What a reporter commits to: keccak256(abi.encode(reporter, channel, recordHash, salt)).
    function commitmentOf(
        address reporter,
        uint256 channel,
        bytes32 recordHash,
        bytes32 salt
    ) external pure returns (bytes32);

    /// @notice The call in a record's input. Reverts on what `abi.encode` does not give.
    function readCall(
        bytes calldata input
    ) external pure returns (Call memory call, bytes memory signature, bytes4[] memory functions);

    /// @notice The grant (`what` 0) or revocation (1) in a record's input. Reverts on what `abi.encode` does not give.
    function readSession(
        bytes calldata input
    )
        external
        pure
        returns (uint8 what, SessionGrant memory grant, SessionRevoke memory revoke, bytes memory signature);
}
