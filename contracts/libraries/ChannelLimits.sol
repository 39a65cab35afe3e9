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
    /// @notice Who may lead where there are more members, and take the others' delegations.
    uint256 internal constant CANDIDATES = 5;
    /// @notice Different assets of a member.
    uint256 internal constant ASSETS = 24;
    /// @notice Changes in a chunk of a change set.
    uint256 internal constant CHUNK = 256;
    /// @notice Bytes of a record's input.
    uint256 internal constant INPUT_BYTES = 16_384;
    /// @notice Functions that a session key may be restricted to.
    uint256 internal constant SESSION_FUNCTIONS = 64;
    /// @notice Of a signature: r, s and v.
    uint256 internal constant SIGNATURE_BYTES = 65;
    /// @notice How far a leader's clock may be ahead of the chain's.
    uint256 internal constant CLOCK_LEAD_MS = 15_000;
    /// @notice How long a leader may leave an entry of the inbox while it takes calls. Long enough for a node that has lost its
    /// way to the chain to stop.
    uint256 internal constant INBOX_PATIENCE_MS = 1_800_000;
}
