// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {ChannelStore} from "../../channels/ChannelStore.sol";
import {StoreClones} from "../../libraries/StoreClones.sol";
import {Change, SettledHead} from "../../types/ChannelTypes.sol";

/// @title What a store needs of a hub, for tests: it writes and says what it is told
contract StoreHub {
    /// @notice What the stores are clones of.
    address public immutable ORIGINAL = address(new ChannelStore());

    mapping(uint256 channel => SettledHead) private _heads;

    event Made(address store);

    function make(address program, uint256 channel) external {
        emit Made(StoreClones.make(ORIGINAL, program, channel));
    }

    function write(address store, Change[] calldata changes) external {
        StoreClones.write(store, changes);
    }

    function writeOne(address store, bytes32 slot, bytes32 value) external {
        StoreClones.write(store, slot, value);
    }

    /// @notice Any call, which no hub makes.
    function act(address target, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(target, data);
    }

    function setHead(uint256 channel, SettledHead calldata head) external {
        _heads[channel] = head;
    }

    function headOf(uint256 channel) external view returns (SettledHead memory) {
        return _heads[channel];
    }
}
