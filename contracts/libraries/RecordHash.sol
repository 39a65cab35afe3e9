// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {InboxEntry, RecordHeader} from "../types/ChannelTypes.sol";

/// @title Hashes that records are linked by
library RecordHash {
    /// @notice A record's hash: the `previous` of the next one.
    function hash(RecordHeader memory header) internal pure returns (bytes32) {
        return keccak256(abi.encode(header));
    }

    /// @notice What the hub keeps of an inbox entry, and the `inputHash` of the record that takes it.
    function hash(InboxEntry memory entry) internal pure returns (bytes32) {
        return keccak256(abi.encode(entry));
    }
}
