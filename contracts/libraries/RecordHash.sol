// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {InboxEntry, RecordHeader} from "../types/ChannelTypes.sol";

/// @title Hashes that records are linked by
library RecordHash {
    uint256 private constant HEADER_BYTES = 448;

    /// @notice A record's hash: the `previous` of the next one.
    function hash(RecordHeader memory header) internal pure returns (bytes32 recordHash) {
        // In memory it is a word a field already, as abi.encode has it.
        assembly ("memory-safe") {
            recordHash := keccak256(header, HEADER_BYTES)
        }
    }

    /// @notice What the hub keeps of an inbox entry, and the `inputHash` of the record that takes it.
    function hash(InboxEntry memory entry) internal pure returns (bytes32) {
        return keccak256(abi.encode(entry));
    }
}
