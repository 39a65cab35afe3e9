// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Channel} from "../types/ChannelState.sol";
import {ChannelTime} from "./ChannelTime.sol";

/// @title How long a channel's members have, see {IChannelChallenges}
/// @notice All of it follows from the channel's window.
library ChannelTiming {
    /// @notice What a channel with a shorter window, or none, has for what needs an answer.
    uint256 internal constant LEAST_SECONDS = 10 minutes;
    /// @notice A record that is later than an inbox entry by so much must have taken it.
    uint256 internal constant INCLUSION_MS = 10 minutes * ChannelTime.MS_PER_SECOND;
    uint256 private constant WINDOWS = 2;
    uint256 private constant MOST_EXITS = 3;
    uint256 private constant MOST_ROUNDS = 4;

    /// @dev For an answer, and for each round of a freeze.
    function answerSeconds(Channel storage self) internal view returns (uint256) {
        uint256 window = self.config.windowSeconds;
        return window < LEAST_SECONDS ? LEAST_SECONDS : window;
    }

    /// @dev From the entry of a leave to the freeze: a settlement that was on its way may end, and the next one too.
    function exitSeconds(Channel storage self) internal view returns (uint256) {
        return WINDOWS * self.config.windowSeconds + LEAST_SECONDS;
    }

    /// @dev The same when windows and demands stop that clock.
    function mostExitSeconds(Channel storage self) internal view returns (uint256) {
        return MOST_EXITS * exitSeconds(self);
    }

    /// @dev From the freeze on, in which settlements may be brought: one that is false can be answered by another one.
    function mostFreezeSeconds(Channel storage self) internal view returns (uint256) {
        return MOST_ROUNDS * answerSeconds(self);
    }
}
