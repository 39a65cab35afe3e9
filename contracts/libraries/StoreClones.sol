// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {Change} from "../types/ChannelTypes.sol";

/// @title The hub's side of a channel's store
library StoreClones {
    /// @notice Makes a channel's store; the caller is its hub.
    /// @param original A ChannelStore that is no clone.
    function make(address original, address program, uint256 channel) internal returns (address store) {
        return Clones.cloneWithImmutableArgs(original, abi.encode(address(this), program, channel));
    }

    /// @notice Writes the new values of changes, which the caller has checked.
    function write(address store, Change[] calldata changes) internal {
        bytes calldata data;
        // A change is three words, and changes lie one behind the other.
        assembly ("memory-safe") {
            data.offset := changes.offset
            data.length := mul(changes.length, 0x60)
        }
        Address.functionCall(store, data);
    }

    /// @notice Writes one slot.
    function write(address store, bytes32 slot, bytes32 value) internal {
        Address.functionCall(store, abi.encode(Change({slot: slot, oldValue: 0, newValue: value})));
    }
}
