// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

import {IChannelApp} from "../../interfaces/IChannelApp.sol";
import {ChannelNotice} from "../../types/ChannelTypes.sol";
import {Actor} from "../Actor.sol";

/// @title An app of channels that acts as its caller says, and hears as it was told
contract ScriptedApp is Actor, ERC1155Holder, IChannelApp {
    enum Hearing {
        Listen,
        Refuse,
        // Uses all gas that it gets.
        BurnGas,
        Forget,
        // Calls the hub with what `setHubCall` was given.
        CallHub
    }

    struct Heard {
        uint256 channel;
        ChannelNotice notice;
        address member;
        uint64 height;
    }

    Hearing private _hearing;
    bytes private _hubCall;
    /// @notice Whether the last call of the hub went through.
    bool public hubCalled;
    Heard[] private _heard;

    error ScriptedApp_Deaf();

    function setHearing(Hearing hearing, bytes calldata hubCall) external {
        (_hearing, _hubCall) = (hearing, hubCall);
    }

    function onChannelNotice(uint256 channel, ChannelNotice notice, address member, uint64 height) external {
        if (_hearing == Hearing.Refuse) revert ScriptedApp_Deaf();
        if (_hearing == Hearing.Forget) return;
        uint256 burnt;
        while (_hearing == Hearing.BurnGas) burnt++;
        if (_hearing == Hearing.CallHub) {
            (hubCalled, ) = msg.sender.call(_hubCall);
        }
        _heard.push(Heard(channel, notice, member, height));
    }

    function heard() external view returns (Heard[] memory) {
        return _heard;
    }
}
