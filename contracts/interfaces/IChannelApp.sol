// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelNotice} from "../types/ChannelTypes.sol";

/// @title What an app hears of its channels
interface IChannelApp {
    /// @notice Something became final.
    /// @param member Who left or was banned; zero otherwise.
    /// @param height The final height.
    /// @dev Hub only. It comes with little gas, and its failure changes nothing: what an app must know it reads from the hub.
    function onChannelNotice(uint256 channel, ChannelNotice notice, address member, uint64 height) external;
}
