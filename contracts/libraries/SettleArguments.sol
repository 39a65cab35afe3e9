// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Change, Settlement, SignedVote} from "../types/ChannelTypes.sol";

/// @title What `IChannelHub.settle` was called with, as it came
/// @notice To encode it again for the library that works with it would cost a tenth of each vote.
library SettleArguments {
    /// @dev ABI-encoded: behind it are the places of the two lists.
    uint256 private constant SETTLEMENT_BYTES = 320;

    /// @param arguments Without the selector. The caller has decoded them, and so checked that all of both lists, but for
    /// what stands inside the votes, is in them. Fields and votes are checked by whoever reads them, as those of any calldata.
    function read(
        bytes calldata arguments
    ) internal pure returns (Settlement calldata settlement, Change[] calldata changes, SignedVote[] calldata votes) {
        assembly ("memory-safe") {
            settlement := arguments.offset
            let list := add(settlement, calldataload(add(settlement, SETTLEMENT_BYTES)))
            changes.offset := add(list, 0x20)
            changes.length := calldataload(list)
            list := add(settlement, calldataload(add(settlement, add(SETTLEMENT_BYTES, 0x20))))
            votes.offset := add(list, 0x20)
            votes.length := calldataload(list)
        }
    }
}
