// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {ScratchRun} from "../types/ChannelReplayTypes.sol";

/// @title A piece of a channel's state, on which a program is run
/// @notice A clone for each replay. Its storage has the slots that were proven and nothing else, and only {IChannelReplay} may
/// call it. Whatever is run in it is undone: `requireCold` and `run` always revert, and say by that what came of it. So any
/// number of runs find the same values, none of them warm.
interface IChannelScratch {
    /// @notice All slots are cold.
    error ChannelScratch_Cold();
    /// @notice What a run came to.
    error ChannelScratch_Ran(ScratchRun result);
    /// @notice This transaction has touched the slot already, for instance by its access list: gas would differ.
    error ChannelScratch_Warm(bytes32 slot);
    /// @notice Too little gas for a call with this limit.
    error ChannelScratch_TooLittleGas(uint256 gasLimit, uint256 left);
    /// @notice Only the contract that runs replays calls this.
    error ChannelScratch_NotOwner(address owner, address caller);

    /// @notice Writes values.
    /// @dev Owner only (_NotOwner); so are all.
    function load(SlotValue[] calldata slots) external;

    /// @notice Reverts with _Cold, or with _Warm for a slot that is not, or that comes twice.
    function requireCold(bytes32[] calldata slots) external view;

    /// @notice Calls a program on these slots with exactly so much gas. Reverts with _Ran, or _TooLittleGas.
    function run(address program, uint256 gasLimit, bytes calldata data, bytes32[] calldata slots) external;
}
