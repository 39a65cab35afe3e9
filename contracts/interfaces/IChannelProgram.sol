// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Asset} from "../types/ChannelTypes.sol";

/// @title What a channel runs
/// @notice A program's storage is its channel's state and its functions are the channel's calls. The nodes run it, and so
/// does the chain, in the channel's store. Behind its arguments each call has a context of 68 bytes: sender (20 bytes),
/// time in milliseconds (8), height (8), randomness (32).
///
/// The functions `initialize` and `channel...` are called by the nodes alone, under the address `SYSTEM`, of which nobody
/// has the key. When one that has a hook fails, the nodes call it again without the hook, so that no program can keep
/// anybody in.
interface IChannelProgram {
    /// @notice Only the channel itself calls this.
    error ChannelProgram_NotSystem(address sender);
    /// @notice The account has too many assets.
    error ChannelProgram_TooManyAssets(address account, uint256 max);
    /// @notice The account owns less than that.
    error ChannelProgram_OwnsTooLittle(address account, bytes32 assetKey, uint256 amount, uint256 owned);
    /// @notice A precompiled contract refused its input, or ran out of gas.
    error ChannelProgram_PrecompileFailed(uint256 precompile);

    /// @notice Record 0: makes the initial state. Constructors and initial values of variables have no effect in a channel.
    /// @dev Channel only (_NotSystem).
    function initialize(bytes calldata initialState) external;

    /// @notice A member joined: it owns what it brought.
    /// @param hook Whether the program is to be told.
    /// @dev Channel only (_NotSystem). Reverts with _TooManyAssets.
    function channelJoin(address member, Asset[] calldata assets, bool hook) external;

    /// @notice A member leaves: all that it owns leaves with it.
    /// @param hook Whether the program is to be told, before.
    /// @dev Channel only (_NotSystem).
    function channelLeave(address member, bool hook) external;

    /// @notice A tick is due.
    /// @dev Channel only (_NotSystem).
    function channelTick() external;

    /// @notice The channel closes: what everybody owns can be claimed once this is settled.
    /// @dev Channel only (_NotSystem).
    function channelClose() external;

    /// @notice How much of an asset an account owns in the channel.
    /// @param assetKey keccak256(abi.encode(token, id)); ether is token 0, id 0.
    function ownedOf(address account, bytes32 assetKey) external view returns (uint256);

    /// @notice How much of an asset ever left the channel for an account; it never falls.
    function exitsOf(address account, bytes32 assetKey) external view returns (uint256);

    /// @notice Keys of the assets that an account owns, in no order.
    function assetsOf(address account) external view returns (bytes32[] memory);

    /// @notice True when the program asks for a member's leave.
    function isLeaveRequested(address member) external view returns (bool);

    /// @notice True when the program asks for the channel's end.
    function isCloseRequested() external view returns (bool);

    /// @notice The nonce of an account's next call.
    function nonceOf(address account) external view returns (uint256);
}
