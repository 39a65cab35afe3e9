// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title One slot, and the whole context: the hooks of a channel too
contract CounterMock is ContextReader {
    struct Asset {
        uint8 kind;
        address token;
        uint256 id;
        uint256 amount;
    }

    uint256 public count;
    bytes32 public seen;
    mapping(address member => uint256) public joins;

    error CounterMock_Refused(address member);

    function initialize(bytes calldata state) external {
        count = state.length == 0 ? 0 : abi.decode(state, (uint256));
    }

    function channelTick() external {
        count += 1000;
    }

    function channelJoin(address member, Asset[] calldata, bool hook) external {
        if (hook && count % 2 == 1) revert CounterMock_Refused(member);
        joins[member] += hook ? 1 : 100;
    }

    function channelClose() external {
        seen = bytes32(uint256(1));
    }

    function inc() external returns (uint256) {
        return ++count;
    }

    function add(uint256 amount) external {
        count += amount % 7;
    }

    function reset() external {
        delete count;
    }

    function observe() external returns (address sender, uint64 timeMs, uint64 height, bytes32 randomness) {
        (sender, timeMs, height, randomness) = (_sender(), _timeMs(), _height(), _randomness());
        seen = keccak256(abi.encode(sender, timeMs, height, randomness));
    }
}
