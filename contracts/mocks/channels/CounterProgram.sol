// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelProgram} from "../../channels/ChannelProgram.sol";

/// @title The smallest program: a number that goes up, for tests and benchmarks
contract CounterProgram is ChannelProgram {
    uint256 public count;
    uint256 public ticks;

    function increment() external {
        count++;
    }

    function _initialize(bytes calldata initialState) internal override {
        if (initialState.length != 0) count = abi.decode(initialState, (uint256));
    }

    function _onTick() internal override {
        ticks++;
    }
}
