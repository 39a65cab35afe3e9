// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Writes, rewrites, restores and clears slots in every order that gas and refunds tell apart
contract SlotsMock is ContextReader {
    mapping(uint256 slot => uint256) private _values;

    error SlotsMock_Refused();

    function write(uint8 slot, uint256 value) external {
        _values[slot % 32] = value;
    }

    function writeMany(uint8 from, uint8 count, uint256 value) external {
        for (uint256 i; i < count % 40; ++i) _values[(from + i) % 64] = value;
    }

    function clear(uint8 from, uint8 count) external {
        for (uint256 i; i < count % 40; ++i) delete _values[(from + i) % 64];
    }

    /// Five values in turn, of which some are the slot's own or zero.
    function flip(uint8 slot, uint8 pattern) external {
        uint256 own = _values[slot % 32];
        for (uint256 i; i < 5; ++i) {
            uint8 choice = (pattern >> i) & 3;
            _values[slot % 32] =
                choice == 0
                    ? 0
                    : choice == 1
                        ? own
                        : choice == 2
                            ? own + 1
                            : i + 1;
        }
    }

    function sum(uint8 from, uint8 count) external view returns (uint256 total) {
        unchecked {
            for (uint256 i; i < count; ++i) total += _values[(from + i) % 256];
        }
    }

    function writeThenRefuse(uint8 slot, uint256 value) external {
        _values[slot % 32] = value;
        revert SlotsMock_Refused();
    }

    /// Touches so many slots that the rules of a channel may refuse it.
    function touch(uint8 count) external view returns (uint256 total) {
        unchecked {
            for (uint256 i; i < count; ++i) total += _values[1000 + i];
        }
    }
}
