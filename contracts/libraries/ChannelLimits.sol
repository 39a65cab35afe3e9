// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Limits of a channel
/// @notice They are part of the rules: src/domain/channel/limits.ts has the same ones.
library ChannelLimits {
    /// @notice Slots that a record may read or write.
    uint256 internal constant TOUCHED_SLOTS = 128;
    /// @notice Bytes of a call's data, without its context.
    uint256 internal constant CALLDATA_BYTES = 8192;
    /// @notice Gas of a call or of a system call.
    uint256 internal constant CALL_GAS = 2_000_000;
    /// @notice Members of a channel.
    uint256 internal constant MEMBERS = 64;
    /// @notice Different assets of a member.
    uint256 internal constant ASSETS = 24;
    /// @notice Changes in a chunk of a change set.
    uint256 internal constant CHUNK = 256;
}
