// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelApp} from "../interfaces/IChannelApp.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Channel} from "../types/ChannelState.sol";
import {ChannelNotice} from "../types/ChannelTypes.sol";

/// @title Telling an app what became final
library ChannelNotices {
    /// @notice What an app may use to hear of one thing.
    uint256 internal constant GAS = 100_000;
    // A call gets 63/64 of what is there at most; some is needed to get as far.
    uint256 private constant LEAST_GAS = (GAS * 64) / 63 + 5_000;

    /// @dev Whatever the app does, nothing else changes; and nobody can keep it from hearing by sending too little gas.
    function tell(Channel storage self, uint256 channel, ChannelNotice notice, address member) internal {
        address app = self.app;
        if (app.code.length == 0) return;
        if (gasleft() < LEAST_GAS) revert IChannelHub.ChannelHub_TooLittleGas(LEAST_GAS);
        bytes memory data = abi.encodeCall(IChannelApp.onChannelNotice, (channel, notice, member, self.head.height));
        bool told;
        uint256 allowance = GAS;
        // What it returns is not copied: it could be made to cost more than the call.
        assembly ("memory-safe") {
            told := call(allowance, app, 0, add(data, 0x20), mload(data), 0, 0)
        }
        if (!told) emit IChannelHub.NoticeFailed(channel, notice);
    }
}
