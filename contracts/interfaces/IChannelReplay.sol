// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {Replay, ReplayPlace} from "../types/ChannelReplayTypes.sol";
import {Call, RecordHeader, SlotProof} from "../types/ChannelTypes.sol";

import {IChannelHub} from "./IChannelHub.sol";

/// @title Where the chain runs a record again
/// @notice In two transactions: the first one loads the record's touched set into a scratch; in a later block, where no slot is
/// warm any more, the record is run on it with the gas, the sender, the time and the randomness that it had, and compared: its
/// status, its gas to the unit, what it returned, what it wrote and what it touched.
///
/// The touched set is what its leader has signed, by its hash. What it says of the values before needs no proof here: a value that
/// the state had not is a fault of its own, see {IChannelCourt-accuseFalseValue}. What the program reads besides, and the leader
/// left out, is proven under the root before.
///
/// A replay is bound to slots, a root and a block, and to nobody: anyone opens, anyone runs, any number of times. It says what is
/// so and changes nothing; {IChannelCourt} convicts by it.
///
/// It never finds a record false that was made by the rules, whoever calls: too little gas, slots that the transaction has
/// touched before, a set that is not the record's, and a chain whose gas costs are not those of the rules are refused.
interface IChannelReplay {
    /// @notice The slots are loaded. Replays of these slots name this block.
    event ReplayOpened(bytes32 indexed root, bytes32 indexed touchedHash, bytes32 besidesHash, address scratch);

    /// @notice Not a proof for each slot.
    error ChannelReplay_WrongCount(uint256 slots, uint256 proofs);
    /// @notice The slot has another value under the root.
    error ChannelReplay_WrongValue(bytes32 slot, bytes32 expected, bytes32 actual);
    /// @notice These slots were not loaded in that block, or it is this one.
    error ChannelReplay_NotOpened(address scratch, uint256 openedIn);
    /// @notice The program is not the one that the channel was made with.
    error ChannelReplay_ProgramChanged(address program, bytes32 expected, bytes32 actual);
    /// @notice What the record is to do depends on a slot that was not loaded.
    error ChannelReplay_MissingSlot(bytes32 slot);
    /// @notice No record of that kind can be run.
    error ChannelReplay_NoKind(uint8 kind);
    /// @notice Too little gas, or slots that are warm; `reason` is the scratch's.
    error ChannelReplay_NotRun(bytes reason);
    /// @notice The chain's gas costs are not those that the channels' rules have.
    error ChannelReplay_OtherGas(uint256 expected, uint256 actual);

    /// @notice Loads slots. Once a block for the same ones; again does nothing. Of a touched set, the first 256.
    /// @param root Of the state before the record.
    /// @param touched What the record says that it touched, with the values that it says.
    /// @param besides Others, with their values under the root.
    /// @param proofs Of those besides.
    /// @dev Reverts with _WrongCount, _WrongValue, and as StateTree.
    function openReplay(
        bytes32 root,
        SlotValue[] calldata touched,
        SlotValue[] calldata besides,
        SlotProof[] calldata proofs
    ) external returns (address scratch);

    /// @notice Loads the next 256 of a touched set that has more. A record is run after all of them.
    /// @dev Reverts with _NotOpened.
    function loadMore(ReplayPlace calldata place, SlotValue[] calldata touched) external;

    /// @notice Whether a record says something else than what it comes to. Its root is not looked at. A record that runs nothing,
    /// and a call that says that it touched more than 128 slots, need nothing loaded.
    /// @param rootBefore Of the state before; zero for record 0.
    /// @dev Reverts with ChannelCourt_WrongInput, ChannelCourt_WrongSet, ChannelCourt_Unreadable, ChannelCourt_TooLittleGas,
    /// _NotOpened, _ProgramChanged, _MissingSlot, _NoKind, _NotRun, _OtherGas.
    function isFalse(
        IChannelHub hub,
        RecordHeader calldata header,
        bytes32 rootBefore,
        Replay calldata replay
    ) external returns (bool);

    /// @notice Reverts with _OtherGas unless the chain's gas costs are those of the rules.
    function requireRulesGas() external;

    /// @notice Where these slots are, once they are loaded in that block.
    function scratchOf(ReplayPlace calldata place, bytes32 touchedHash) external view returns (address);

    /// @notice How many of a touched set of more than 256 are loaded.
    function loadedOf(ReplayPlace calldata place, bytes32 touchedHash) external view returns (uint256);

    /// @notice The call in an input, as {IChannelCourt-readCall}.
    function readCall(
        bytes calldata input
    ) external pure returns (Call memory call, bytes memory signature, bytes4[] memory functions);
}
