// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelProgram} from "../../channels/ChannelProgram.sol";
import {ChannelLimits} from "../../libraries/ChannelLimits.sol";

/// @title A program that touches more slots than a record may, when a member leaves
contract WideHookProgram is ChannelProgram {
    mapping(uint256 index => uint256) private _values;

    uint256 public sum;

    function _onLeave(address) internal override {
        uint256 total = 0;
        for (uint256 i = 0; i < ChannelLimits.TOUCHED_SLOTS; i++) {
            total += _values[i];
        }
        sum = total;
    }
}
