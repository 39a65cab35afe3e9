// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Transient slots, which every call must find empty
contract TransientMock is ContextReader {
    uint256 public found;
    uint256 public held;

    error TransientMock_Refused();

    function keep(uint8 slot, uint256 value) external {
        assembly ("memory-safe") {
            tstore(mod(slot, 4), value)
        }
        held++;
    }

    function find(uint8 slot) external {
        uint256 value;
        assembly ("memory-safe") {
            value := tload(mod(slot, 4))
        }
        found = value;
    }

    function count(uint8 times) external returns (uint256 value) {
        for (uint256 i; i < times % 16; ++i) {
            assembly ("memory-safe") {
                value := add(tload(7), 1)
                tstore(7, value)
            }
        }
        held = value;
        if (times % 5 == 0) revert TransientMock_Refused();
    }
}
