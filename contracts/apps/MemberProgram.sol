// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelProgram} from "../channels/ChannelProgram.sol";
import {Asset} from "../types/ChannelTypes.sol";

/// @title A program whose members alone may act
abstract contract MemberProgram is ChannelProgram {
    /// @notice Whether an account is in the channel.
    mapping(address account => bool) public isMember;

    /// @notice Only members do this.
    error MemberProgram_NotMember(address account);

    modifier onlyMember() {
        if (!isMember[_sender()]) revert MemberProgram_NotMember(_sender());
        _;
    }

    function _onJoin(address member, Asset[] calldata) internal virtual override {
        isMember[member] = true;
    }

    function _onLeave(address member) internal virtual override {
        delete isMember[member];
    }
}
