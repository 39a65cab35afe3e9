// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What a program knows of the call that it runs
/// @notice Behind the arguments of each call stand sender (20 bytes), time (8), height (8) and randomness (32), as in
/// ERC-2771. The opcodes that would say so on a chain (CALLER, TIMESTAMP, NUMBER, PREVRANDAO) are refused in programs, see
/// OpcodeScan. `msg.data` ends with the context.
abstract contract ChannelContext {
    /// @notice Calls of the channel itself come from here; nobody has its key.
    address public constant SYSTEM = address(uint160(uint256(keccak256("sprf.channel.system"))));

    uint256 private constant CONTEXT_BYTES = 68;
    uint256 private constant TIME_OFFSET = 20;
    uint256 private constant HEIGHT_OFFSET = 28;
    uint256 private constant RANDOMNESS_OFFSET = 36;

    /// @dev Who signed the call, or whose session key did. Zero in views on a chain.
    function _sender() internal pure returns (address) {
        return address(bytes20(_contextAt(0)));
    }

    /// @dev Time of the record in milliseconds since 1970. It never falls; many records may have the same.
    function _timeMs() internal pure returns (uint64) {
        return uint64(bytes8(_contextAt(TIME_OFFSET)));
    }

    /// @dev Number of the record.
    function _height() internal pure returns (uint64) {
        return uint64(bytes8(_contextAt(HEIGHT_OFFSET)));
    }

    /// @dev Hash of the record before: the same for everybody, and known to the leader before it decides what this record
    /// is. What must surprise the leader too needs commitments that are revealed later.
    function _randomness() internal pure returns (bytes32) {
        return _contextAt(RANDOMNESS_OFFSET);
    }

    /// @dev Zero when the call is shorter than a context, so that the offset wraps around.
    function _contextAt(uint256 offset) private pure returns (bytes32 word) {
        uint256 fromEnd = CONTEXT_BYTES - offset;
        assembly ("memory-safe") {
            word := calldataload(sub(calldatasize(), fromEnd))
        }
    }
}
